//! What speaks at an open port: one speaker for each protocol, asked in parallel, the first certain answer wins.
