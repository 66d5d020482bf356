//! The whole curve over the budget as a picture: what is found against what is said in error.

use std::fmt::Write as _;

/// A curve: its name and its points (false alarms per device-month, share found).
pub type Line = (String, Vec<(f64, f64)>);

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 40.0;
const RIGHT: f64 = 190.0;
const BOTTOM: f64 = 52.0;
/// Of the horizontal axis, powers of ten.
const DECADES: (i32, i32) = (-5, 2);
const COLOURS: [&str; 7] = ["#0b6e4f", "#08415c", "#cc2936", "#6b818c", "#e08e45", "#7768ae", "#3b3b3b"];

/// Draws curves with a logarithmic axis of false alarms. Each has a colour and its name at the right.
pub fn curve(title: &str, lines: &[Line]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{}</text>\n",
        escape(title)
    );
    axes(&mut svg);
    for (number, (name, points)) in lines.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let places: Vec<String> = points.iter().map(|(x, y)| format!("{:.1},{:.1}", across(*x), up(*y))).collect();
        put(
            &mut svg,
            format_args!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                places.join(" ")
            ),
        );
        for (x, y) in points {
            let (x, y) = (across(*x), up(*y));
            put(&mut svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>"));
        }
        let (x, y) = (WIDTH - RIGHT + 14.0, TOP + 16.0 + 18.0 * number as f64);
        put(&mut svg, format_args!("<rect x=\"{x}\" y=\"{}\" width=\"10\" height=\"10\" fill=\"{colour}\"/>", y - 9.0));
        put(&mut svg, format_args!("<text x=\"{}\" y=\"{y}\">{}</text>", x + 16.0, escape(name)));
    }
    svg + "</svg>\n"
}

fn axes(svg: &mut String) {
    for power in DECADES.0..=DECADES.1 {
        let x = across(10_f64.powi(power));
        let (top, bottom) = (TOP, HEIGHT - BOTTOM);
        put(svg, format_args!("<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\" stroke=\"#ddd\"/>"));
        let label = if power < 0 {
            format!("{:.*}", power.unsigned_abs() as usize, 10_f64.powi(power))
        } else {
            format!("{}", 10_i64.pow(power.unsigned_abs()))
        };
        put(svg, format_args!("<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", bottom + 18.0));
    }
    for fifth in 0..=5 {
        let share = f64::from(fifth) / 5.0;
        let (y, right) = (up(share), WIDTH - RIGHT);
        put(svg, format_args!("<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>"));
        let label = share * 100.0;
        put(
            svg,
            format_args!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label:.0} %</text>", LEFT - 8.0, y + 4.0),
        );
    }
    let middle = LEFT + (WIDTH - RIGHT - LEFT) / 2.0;
    put(
        svg,
        format_args!(
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">false alarms per device-month, realised</text>",
            HEIGHT - 14.0
        ),
    );
}

fn across(rate: f64) -> f64 {
    let (least, most) = (f64::from(DECADES.0), f64::from(DECADES.1));
    let place = (rate.max(10_f64.powi(DECADES.0)).log10().clamp(least, most) - least) / (most - least);
    LEFT + place * (WIDTH - RIGHT - LEFT)
}

fn up(share: f64) -> f64 {
    HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - BOTTOM - TOP)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn put(svg: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = svg.write_fmt(line);
    svg.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_false_alarms_lie_to_the_right_and_more_found_above() {
        assert!(across(0.1) > across(0.01) && up(0.9) < up(0.1));
        assert!((across(0.0) - LEFT).abs() < 1e-9);
        let svg = curve("a < b", &[("ours".into(), vec![(0.01, 0.9), (0.1, 0.95)])]);
        assert!(svg.contains("a &lt; b") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<circle").count(), 2);
    }
}
