//! The real program, as somebody who is new to it would use it: its commands, their messages and exit codes, the server
//! with a gateway that speaks real RADIUS to it, and what happens when something is wrong.
//!
//! Everything runs on loopback, in folders of its own, and ends in bounded time.

#![cfg(test)]

mod audit;
mod backtest;
mod capture;
mod check;
mod enforce;
mod evidence;
mod first_run;
mod guard;
mod help;
mod journal;
mod misuse;
mod operating;
mod planned;
mod rest;
mod restart;
mod rules;
mod scheduled;
mod shared;
mod simulate;
mod support;
mod zoo;
