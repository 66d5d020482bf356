//! The language, from documents to firings: what a file says, what is refused, what is found.

mod builtin;
mod compare;
mod cost;
mod docs;
mod documents;
mod examples;
mod language;
mod life;
mod places;
mod properties;
mod schema;
mod support;
mod windows;
mod words;
