//! Faults and hosts for people and programs: table, JSON, SARIF, CSV, HTML.
