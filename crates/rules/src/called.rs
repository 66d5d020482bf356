//! Models and groups that conditions call by name. Whether there are such, a rule's file does not say: whoever knows the fleet does,
//! and a name that nothing in it has makes a rule that is about nobody.

use crate::diagnostic::{Diagnostic, did_you_mean, did_you_mean_text};
use crate::expr::Bool;
use crate::expr::ir::Text;
use crate::rule::Rule;
use crate::vocabulary::{ListField, TextField};

/// The names in a fleet. Without any model (or group), it is not known which there are.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Called {
    /// Of models.
    pub models: Vec<Box<str>>,
    /// Of groups.
    pub groups: Vec<Box<str>>,
}

/// One name, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    what: What,
    name: Box<str>,
    place: Diagnostic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Model,
    Group,
}

impl Rule {
    /// The models and groups that it calls by a name which none in the fleet has.
    pub fn calls_nobody(&self, fleet: &Called) -> Vec<Diagnostic> {
        self.calls.iter().filter_map(|call| call.unknown(fleet)).collect()
    }
}

impl Call {
    fn unknown(&self, fleet: &Called) -> Option<Diagnostic> {
        let (known, message, hint) = match self.what {
            What::Model => {
                (&fleet.models, "no model is called", "neither a profile nor a device of the inventory has it")
            }
            What::Group => {
                (&fleet.groups, "no device is in a group called", "the inventory says which groups there are")
            }
        };
        if known.is_empty() || known.contains(&self.name) {
            return None;
        }
        let near = did_you_mean(&self.name, known.iter().map(|name| &**name)).map(did_you_mean_text);
        let message = format!("{message} `{}`", self.name);
        Some(Diagnostic { message, hint: near.or_else(|| Some(hint.to_owned())), ..self.place.clone() })
    }
}

/// The names in a condition, each with its place: `place` knows it by where the name begins, in characters.
pub(crate) fn calls(node: &Bool, text: &str, place: impl Fn(usize) -> Diagnostic) -> Vec<Call> {
    let mut found = Vec::new();
    collect(node, &mut found);
    let call = |(what, name): (What, &str)| {
        // What a macro or a list names stands elsewhere: then the condition is the place.
        let at = text.find(name).map_or(0, |byte| text[..byte].chars().count());
        Call { what, name: name.into(), place: place(at) }
    };
    found.into_iter().map(call).collect()
}

fn collect<'a>(node: &'a Bool, found: &mut Vec<(What, &'a str)>) {
    const MODEL: &Text = &Text::Field(TextField::DeviceModel);
    match node {
        Bool::Not(inner) => collect(inner, found),
        Bool::And(a, b) | Bool::Or(a, b) | Bool::Same(a, b) => {
            collect(a, found);
            collect(b, found);
        }
        Bool::Texts(_, field, Text::Const(name)) | Bool::Texts(_, Text::Const(name), field) if field == MODEL => {
            found.push((What::Model, name));
        }
        Bool::TextIn(field, names) if field == MODEL => {
            found.extend(names.iter().map(|name| (What::Model, &**name)));
        }
        Bool::TextInField(Text::Const(name), ListField::Groups) => found.push((What::Group, name)),
        _ => {}
    }
}
