//! The help texts: they cannot change unnoticed.

use crate::support::Place;

#[test]
fn every_command_explains_itself() {
    let place = Place::empty();
    let mut all = Vec::new();
    let mut left: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(path) = left.pop() {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = place.run(&arguments).ok();
        let deeper = subcommands(&help).into_iter().rev().map(|name| [path.clone(), vec![name]].concat());
        left.extend(deeper);
        all.push(format!("$ fleetward {}\n{help}", arguments.join(" ")));
    }
    insta::assert_snapshot!("help", without_globals(&all));
}

fn subcommands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

/// What every command understands is shown once, with the first.
fn without_globals(helps: &[String]) -> String {
    let own = |(number, help): (usize, &String)| {
        let globals = help.find("Everywhere:\n").filter(|_| number > 0);
        let own = help[..globals.unwrap_or(help.len())].trim_end();
        own.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>()
    };
    helps.iter().enumerate().map(own).collect::<Vec<_>>().join("\n")
}
