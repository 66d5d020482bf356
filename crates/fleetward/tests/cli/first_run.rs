//! From nothing to a configuration that is fine.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Place, assert_unchanged, contents};

#[test]
fn init_writes_a_commented_configuration_without_any_secret() {
    let place = Place::empty();
    let out = place.run(&["init"]).ok();
    assert!(out.contains("fleetward secret new"), "{out}");
    let config = place.read("fleetward.yaml");
    assert!(config.lines().filter(|line| line.trim_start().starts_with('#')).count() > 40);
    for line in config.lines().filter(|line| line.contains("secret:") || line.contains("password:")) {
        let names_a_file = line.contains("{ file: ") || line.contains("password: network");
        assert!(line.trim_start().starts_with('#') && names_a_file, "{line}");
    }
    assert_eq!(fs::read_dir(place.path("secrets")).unwrap().count(), 0);
    assert_eq!(fs::metadata(place.path("secrets")).unwrap().permissions().mode() & 0o777, 0o700);
    insta::assert_snapshot!("check_after_init", crate::rules::without_count(&place.run(&["check"]).ok()));
}

#[test]
fn a_second_init_refuses_and_changes_nothing() {
    let place = Place::init();
    place.edit("data: data", "data: elsewhere");
    let before = contents(&place.path(""));
    let error = place.run(&["init"]).fails(2);
    assert!(error.contains("fleetward.yaml") && error.contains("hint: "), "{error}");
    assert_unchanged(&before, &contents(&place.path("")));
}

#[test]
fn init_into_a_folder_that_is_not_there() {
    let place = Place::empty();
    let out = place.run(&["init", "new/folder"]).ok();
    assert!(out.contains("cd new/folder"), "{out}");
    let config = place.path("new/folder/fleetward.yaml");
    place.run(&["--config", config.to_str().unwrap(), "check"]).ok();
}

/// The examples in comments are what people start from: taken together they must be right.
#[test]
#[expect(clippy::print_stdout, reason = "skipping is said")]
fn what_stands_in_comments_is_right_too() {
    let place = Place::init();
    place.edit("  clients: []\n", "");
    place.edit("channels: {}\n", "");
    place.edit("\nsources: []\n", "\n");
    place.edit("  sources: []\n", "");
    place.edit("  schedule: []\n", "");
    place.edit("networks: []", "networks: [10.9.0.0/24]");
    // One of the two follows from the other.
    place.edit("  false_alarms_per_device_month: 0.01", "  #");
    let config: Vec<String> = place.read("fleetward.yaml").lines().map(uncomment).collect();
    place.write("fleetward.yaml", &config.join("\n"));
    for secret in ["secrets/pgw-1", "secrets/webhook", "secrets/mail"] {
        place.run(&["secret", "new", secret]).ok();
    }
    place.write_private("secrets/logins", "# who\nmeter-1:correct horse battery\n");
    fs::create_dir(place.path("tls")).unwrap();
    let made = "req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=siem -days 2 -out tls/siem-ca.pem";
    let openssl = std::process::Command::new("openssl").args(made.split(' ')).current_dir(place.path("")).output();
    if !openssl.is_ok_and(|ran| ran.status.success()) {
        println!("SKIPPED: no openssl that makes a certificate");
        return;
    }
    for folder in ["models/water-meter", "rules/night-traffic"] {
        fs::rename(place.path(&format!("{folder}.yaml.example")), place.path(&format!("{folder}.yaml"))).unwrap();
    }
    let out = place.run(&["check"]).ok();
    assert!(out.contains("1 client, 1 model") && out.contains("3 channels"), "{out}");
}

/// `# key: value` (also indented) is an example; `# Some words.` is a remark.
fn uncomment(line: &str) -> String {
    let Some((indent, rest)) = line.split_once("# ") else { return line.to_owned() };
    let key = rest.trim_start_matches(['-', ' ']).split(':').next().unwrap_or_default();
    let is_key = rest.contains(':')
        && !rest.ends_with('.')
        && !key.is_empty()
        && !key.contains(' ')
        && key == key.to_lowercase();
    let goes_on = rest.trim_start().starts_with("user:");
    if indent.trim().is_empty() && (is_key || goes_on) { format!("{indent}{rest}") } else { line.to_owned() }
}

#[test]
fn a_new_secret_is_for_its_owner_alone_and_never_replaced() {
    let place = Place::init();
    let out = place.run(&["secret", "new", "secrets/pgw-1"]).ok();
    let secret = place.read("secrets/pgw-1");
    assert_eq!((secret.trim().len(), secret.trim().is_ascii()), (32, true));
    assert!(!out.contains(secret.trim()));
    assert_eq!(fs::metadata(place.path("secrets/pgw-1")).unwrap().permissions().mode() & 0o777, 0o600);
    place.run(&["secret", "new", "secrets/pgw-1"]).fails(2);
    assert_eq!(place.read("secrets/pgw-1"), secret);
}
