//! Samples as the text that Prometheus reads (exposition format 0.0.4).

use std::fmt::Write as _;

use fleetward_fleet::metric::{Kind, Sample};

/// The `Content-Type` of [`render`]'s text.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All samples as text: grouped by name in the order of their first appearance, `HELP` and `TYPE` once a name.
pub fn render(samples: &[Sample]) -> String {
    let mut names: Vec<&Sample> = Vec::new();
    for sample in samples {
        if !names.iter().any(|first| first.name == sample.name) {
            names.push(sample);
        }
    }
    let mut text = String::with_capacity(samples.len() * 80);
    for first in names {
        let kind = match first.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let help = first.help.replace('\\', "\\\\").replace('\n', "\\n");
        line(&mut text, format_args!("# HELP {} {help}", first.name));
        line(&mut text, format_args!("# TYPE {} {kind}", first.name));
        for sample in samples.iter().filter(|sample| sample.name == first.name) {
            line(&mut text, format_args!("{}{} {}", sample.name, labels(sample), number(sample.value)));
        }
    }
    text
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    writeln!(text, "{words}").expect("a String takes everything");
}

fn labels(sample: &Sample) -> String {
    if sample.labels.is_empty() {
        return String::new();
    }
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<_> = sample.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_escapes() {
        let samples = [
            Sample::counter("a_total", "Things.\nMany.", 3).with("nas", "say \"hi\"\\\n"),
            Sample::gauge("b", "B.", 0.5),
            Sample::counter("a_total", "Things.\nMany.", 4).with("nas", "x").with("kind", "y"),
            Sample::gauge("c", "C.", f64::INFINITY),
        ];
        assert_eq!(
            render(&samples),
            "# HELP a_total Things.\\nMany.\n# TYPE a_total counter\na_total{nas=\"say \\\"hi\\\"\\\\\\n\"} 3\n\
             a_total{nas=\"x\",kind=\"y\"} 4\n# HELP b B.\n# TYPE b gauge\nb 0.5\n# HELP c C.\n# TYPE c gauge\nc +Inf\n"
        );
    }
}
