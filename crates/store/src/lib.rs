//! What is known now: devices, findings, responses, audit log, in SQLite
