//! Places: distance, speed, borders, areas.

use crate::support::{all_hold as holds, errors_of as errors};

#[test]
fn a_country_that_does_not_exist_is_told() {
    let told = |when: &str| errors(&[("r.yaml", &format!("rule: r\ntitle: t\nwhen: {when}\n"))]);
    let unknown = "\"XX\" is not a country\n  hint: write its two letters of ISO 3166-1, for example `DE`";
    assert_eq!(told("country == \"XX\""), format!("r.yaml:3:15: {unknown}"));
    assert_eq!(told("country in [\"DE\", \"XX\"]"), format!("r.yaml:3:15: {unknown}"));
    assert_eq!(told("previous(country) != \"UK\""), "r.yaml:3:25: \"UK\" is not a country\n  hint: did you mean `GB`?");
    assert_eq!(told("country in [\"DE\", \"XK\", \"AX\"]"), "accepted");
}

#[test]
fn a_country_hop_is_judged_by_what_is_possible() {
    holds(&[(
        "r.yaml",
        "rule: country-hop\ntitle: 'From {previous(country)} to {country} at {speed_kmh(country, previous(country))} km/h'\n\
         watch: { countries: { distinct: country, over: 2h } }\n\
         when: countries >= 2 && speed_kmh(place, previous(place)) > 900\nexcept: [ 'border_pair(country, previous(country))' ]\ntests:\n  \
         - { name: far, given: [ { country: DE }, { country: AU, at: 1h } ], expect: alarm }\n  \
         - { name: neighbours, given: [ { country: DE }, { country: AT, at: 1s } ], expect: none }\n  \
         - { name: a flight, given: [ { country: DE }, { country: GB, at: 2h } ], expect: none }\n  \
         - { name: a day later, given: [ { country: DE }, { country: AU, at: 26h } ], expect: none }\n  \
         - { name: an older record, given: [ { country: DE, at: 1h }, { country: AU } ], expect: none }\n  \
         - { name: nobody knows where ZZ is, given: [ { country: DE }, { country: ZZ, at: 1h } ], expect: none }\n",
    )]);
}

const CELLS: &str = "mcc,mnc,area,cell,lat,lon\n262,01,4660,19088743,52.52,13.40\n262,01,4661,19088744,48.14,11.58\n262,01,4660,19088745,52.53,13.41\n";

#[test]
fn cells_with_a_position_tell_more_than_a_country() {
    holds(&[
        (
            "r.yaml",
            "positions: ours\nfile: cells.csv\n---\nrule: jump\ntitle: t\nwhen: speed_kmh(cell, previous(cell)) > 300 && distance_km(place, previous(place)) > 50\ntests:\n  \
             - { name: Berlin to Munich in an hour, given: [ { network: 26201, cell: 26201-4660-19088743 }, { network: 26201, cell: 26201-4661-19088744, at: 1h } ], expect: alarm }\n  \
             - { name: next door, given: [ { network: 26201, cell: 26201-4660-19088743 }, { network: 26201, cell: 26201-4660-19088745, at: 1s } ], expect: none }\n  \
             - { name: slowly, given: [ { network: 26201, cell: 26201-4660-19088743 }, { network: 26201, cell: 26201-4661-19088744, at: 5h } ], expect: none }\n  \
             - { name: no position, given: [ { network: 26201, cell: 26201-4660-19088743 }, { network: 26201, cell: 26201-4661-99999999, at: 1h } ], expect: none }\n",
        ),
        ("cells.csv", CELLS),
    ]);
    let told = errors(&[("r.yaml", "rule: r\ntitle: t\nwhen: speed_kmh(cell, previous(cell)) > 300\n")]);
    assert!(told.contains("nobody knows where cells are"), "{told}");
    let told = errors(&[("r.yaml", "rule: r\ntitle: t\nwhen: speed_kmh(place, previous(country)) > 300\n")]);
    assert!(told.contains("write `speed_kmh(place, previous(place))`"), "{told}");
    let told =
        errors(&[("r.yaml", "positions: p\nfile: c.csv\n"), ("c.csv", "mcc,mnc,area,cell,lat,lon\n262,1,x,7,1,1\n")]);
    assert!(told.contains("r.yaml:2:7: c.csv:2: this line is no position of a cell"), "{told}");
}

#[test]
fn an_area_is_cells_networks_countries_or_circles() {
    let area = "positions: ours\nfile: cells.csv\n---\narea: depot\ncells: ['26201-4661-*']\ncircles: [{ lat: 52.52, lon: 13.4, km: 1 }]\n---\narea: home\ncountries: [DE, AT]\nnetworks: ['24001']\n---\n";
    holds(&[
        (
            "r.yaml",
            &format!(
                "{area}rule: left\ntitle: t\nwhen: '!in_area(place, \"depot\")'\ntests:\n  \
                 - {{ name: in the circle, given: [ {{ network: 26201, cell: 26201-4660-19088743 }} ], expect: none }}\n  \
                 - {{ name: by its area code, given: [ {{ network: 26201, cell: 26201-4661-77777777 }} ], expect: none }}\n  \
                 - {{ name: elsewhere, given: [ {{ network: 26201, cell: 26201-4660-19088745 }} ], expect: alarm }}\n  \
                 - {{ name: no cell, given: [ {{ network: 26201 }} ], expect: none }}\n"
            ),
        ),
        ("cells.csv", CELLS),
    ]);
    holds(&[
        (
            "r.yaml",
            &format!(
                "{area}rule: away\ntitle: t\nwhen: '!in_area(country, \"home\")'\ntests:\n  \
                 - {{ given: [ {{ network: 26201 }} ], expect: none }}\n  \
                 - {{ given: [ {{ network: 24001 }} ], expect: none }}\n  \
                 - {{ given: [ {{ network: 20801 }} ], expect: alarm }}\n"
            ),
        ),
        ("cells.csv", CELLS),
    ]);
    let told =
        errors(&[("r.yaml", "area: depot\ncountries: [DE]\n---\nrule: r\ntitle: t\nwhen: in_area(place, \"depo\")\n")]);
    assert_eq!(
        told,
        "r.yaml:6:22: there is no area \"depo\"\n  hint: did you mean \"depot\"?".replace("\"depot\"", "`depot`")
    );
    let told = errors(&[(
        "r.yaml",
        "area: nowhere\n---\narea: b\ncells: [x]\n---\narea: c\ncircles: [{ lat: 99, lon: 0, km: 1 }]\n",
    )]);
    for part in ["this area is nowhere", "`x` names no cells", "no circle on the globe"] {
        assert!(told.contains(part), "{told}");
    }
}
