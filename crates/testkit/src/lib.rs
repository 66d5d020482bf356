//! A simulated fleet, RADIUS load and real daemons, for tests, the demo and benchmarks
