//! Distances: between points exactly, between countries at least.

use super::Country;
use super::countries::{BORDERS, COUNTRIES};

/// A place on the globe, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// -90 (south) to 90.
    pub lat: f64,
    /// -180 (west) to 180.
    pub lon: f64,
}

/// Mean radius of the Earth in km (IUGG).
const EARTH: f64 = 6371.0;

impl Point {
    /// `None` where the numbers are no place.
    pub fn new(lat: f64, lon: f64) -> Option<Self> {
        ((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)).then_some(Self { lat, lon })
    }

    /// Great-circle distance in km.
    pub fn km_to(self, other: Self) -> f64 {
        let (a, b) = (self.lat.to_radians(), other.lat.to_radians());
        let (lat, lon) = (b - a, (other.lon - self.lon).to_radians());
        let haversine = (lat / 2.0).sin().powi(2) + a.cos() * b.cos() * (lon / 2.0).sin().powi(2);
        2.0 * EARTH * haversine.sqrt().min(1.0).asin()
    }
}

impl Country {
    /// So many km lie between any place in the one and any in the other, at least: 0 for neighbours. Circles around the
    /// countries are compared, so the truth is more. `None` for a country that the table lacks.
    pub fn km_apart(self, other: Self) -> Option<f64> {
        if self == other || self.borders(other) {
            return Some(0.0);
        }
        let (a, from) = circle(self)?;
        let (b, to) = circle(other)?;
        Some((a.km_to(b) - from - to).max(0.0))
    }

    /// Whether the two share a border, or are so near that a phone at the shore hears the other side.
    pub fn borders(self, other: Self) -> bool {
        let (a, b) = if self <= other { (self, other) } else { (other, self) };
        let found = BORDERS.binary_search_by(|(first, _)| (*first).cmp(a.as_str()));
        found.is_ok_and(|at| BORDERS[at].1.split(' ').any(|second| second == b.as_str()))
    }
}

fn circle(country: Country) -> Option<(Point, f64)> {
    let at = COUNTRIES.binary_search_by(|(code, ..)| (*code).cmp(country.as_str())).ok()?;
    let (_, lat, lon, reach) = COUNTRIES[at];
    Some((Point { lat: f64::from(lat), lon: f64::from(lon) }, f64::from(reach)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> Country {
        code.parse().expect("a country")
    }

    #[test]
    fn distances_are_those_of_an_atlas() {
        let berlin = Point { lat: 52.52, lon: 13.405 };
        let sydney = Point { lat: -33.87, lon: 151.21 };
        assert!((berlin.km_to(sydney) - 16_090.0).abs() < 60.0, "{}", berlin.km_to(sydney));
        assert!(berlin.km_to(berlin) < 0.001);
        assert!(Point::new(91.0, 0.0).is_none());
    }

    #[test]
    fn countries_are_at_least_so_far_apart() {
        let apart = |a, b| country(a).km_apart(country(b)).expect("both are in the table");
        assert!(apart("DE", "FR") < 1.0, "neighbours");
        // The nearest points of Germany and Australia are some 13,000 km apart.
        assert!((9_000.0..13_500.0).contains(&apart("DE", "AU")), "{}", apart("DE", "AU"));
        assert!((2_500.0..5_500.0).contains(&apart("DE", "US")), "{}", apart("DE", "US"));
        assert!(apart("PT", "PL") > 500.0);
        assert!((apart("PT", "PL") - apart("PL", "PT")).abs() < 0.001);
        assert_eq!(country("DE").km_apart(country("ZZ")), None);
    }

    #[test]
    fn the_tables_are_sorted_and_borders_go_both_ways() {
        assert!(COUNTRIES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(BORDERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(country("DE").borders(country("AT")) && country("AT").borders(country("DE")));
        assert!(country("SG").borders(country("MY")) && !country("DE").borders(country("ES")));
    }
}
