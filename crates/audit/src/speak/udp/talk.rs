//! A conversation over UDP, as speakers hold it: a question, its answers, what it brought for what it cost.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::super::At;
use crate::door::Datagrams;

/// After a first answer the rest of it is not far.
const REST: Duration = Duration::from_millis(400);

/// Answers of one question that are read.
const ANSWERS: usize = 16;

/// See the module.
#[derive(Debug)]
pub(super) struct Talk<'a> {
    pub(super) at: At<'a>,
    line: Datagrams,
    last: Vec<u8>,
    from: u16,
    asked: usize,
    tenths: usize,
}

impl<'a> Talk<'a> {
    pub(super) fn open(at: At<'a>) -> io::Result<Self> {
        let line = at.door.datagrams(at.target, at.port)?;
        Ok(Self { at, line, last: Vec::new(), from: at.port, asked: 0, tenths: 0 })
    }

    /// The first answer.
    pub(super) async fn ask(&mut self, question: &[u8]) -> io::Result<Vec<u8>> {
        self.line.say(question).await?;
        self.asked = question.len();
        self.hear(self.wait()).await
    }

    /// A further question to one that spoke already: once more where nothing that fits came back.
    pub(super) async fn ask_on<T>(&mut self, question: &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        for _ in 0..2 {
            let mut answer = self.ask(question).await;
            for _ in 0..ANSWERS {
                let Ok(octets) = &answer else { break };
                if let Some(value) = read(octets) {
                    return Some(value);
                }
                answer = self.hear(REST).await;
            }
        }
        None
    }

    /// All of these at once, and every answer that comes soon; an error where there is none.
    pub(super) async fn ask_all(&mut self, questions: &[Vec<u8>]) -> io::Result<Vec<Vec<u8>>> {
        for question in questions {
            self.line.say(question).await?;
        }
        self.asked = questions.iter().map(Vec::len).sum();
        let mut answers = vec![self.hear(self.wait()).await?];
        let mut heard = answers[0].len();
        while answers.len() < ANSWERS
            && let Ok(more) = self.hear(REST).await
        {
            heard += more.len();
            answers.push(more);
        }
        self.weigh(heard);
        Ok(answers)
    }

    /// A last word to the port that the last answer came from.
    pub(super) async fn end(&self, octets: &[u8]) {
        // Who does not hear it waits out its own time.
        self.line.say_to(self.from, octets).await.ok();
    }

    /// Where the host sends its answers.
    pub(super) fn local(&self) -> io::Result<SocketAddr> {
        self.line.local()
    }

    /// The last that was heard.
    pub(super) fn last(&self) -> &[u8] {
        &self.last
    }

    /// The most octets that came back for ten that were sent.
    pub(super) fn tenths(&self) -> usize {
        self.tenths
    }

    async fn hear(&mut self, wait: Duration) -> io::Result<Vec<u8>> {
        let (from, answer) = self.line.hear(Instant::now() + wait).await?;
        self.from = from;
        self.last.clone_from(&answer);
        self.weigh(answer.len());
        Ok(answer)
    }

    fn weigh(&mut self, heard: usize) {
        self.tenths = self.tenths.max(10 * heard / self.asked.max(1));
    }

    fn wait(&self) -> Duration {
        self.at.door.limits().patience / 2
    }
}
