//! What is said over TCP: who speaks first, requests and their answers, dialogues with a log-in.

use super::lines::{self, Dialogue};
use super::memory::{ALWAYS, DIALOGUE, Kind, PATIENCE, REQUESTS, Speech};
use super::{Ends, Heard, Listener, Segment, http, marks, tls};
use crate::{Application, Name, NameSource, Told};

impl Listener {
    pub(super) fn stream(&mut self, flow: u64, speech: &mut Speech, ends: &Ends, segment: &Segment<'_>) {
        match speech.kind {
            Kind::Fresh if segment.from_client => self.first_request(flow, speech, ends, segment),
            Kind::Hello if segment.from_client => {
                match self.gathers.add(speech.place, flow, segment.sequence, segment.payload) {
                    Some(joined) => match tls::stream(joined) {
                        tls::Stream::More => {}
                        found => {
                            Self::client_hello(&mut self.heard, &found, NameSource::Tls);
                            self.gathers.end(speech.place, flow);
                            speech.end();
                        }
                    },
                    None => speech.end(),
                }
                if !speech.wants(true) {
                    self.gathers.end(speech.place, flow);
                }
            }
            Kind::Fresh => self.greeting(speech, segment.payload),
            Kind::Http | Kind::HttpLogin | Kind::Rtsp if segment.from_client => self.request(speech, segment.payload),
            Kind::HttpLogin | Kind::Rtsp => self.response(speech, segment.payload),
            Kind::Mqtt => {
                let ok = marks::mqtt_answer(segment.payload).filter(|_| !segment.from_client);
                self.heard.told.extend(ok.map(|ok| Told::Login { by: Application::Mqtt, ok }));
                speech.end();
            }
            Kind::Dialogue(dialogue) => {
                let said = dialogue.hear(&mut speech.note, segment.payload, segment.from_client);
                self.heard.told.extend(said.told);
                if let Some(known) = said.becomes {
                    self.heard.application = known.application();
                    speech.kind = Kind::Dialogue(known);
                }
                if said.is_over {
                    speech.end();
                }
            }
            Kind::Dns => {
                if let Some((_, message)) = segment.payload.split_first_chunk::<2>() {
                    self.dns(ends, segment, message);
                }
            }
            _ => {}
        }
    }

    /// What a server says before it was asked anything.
    fn greeting(&mut self, speech: &mut Speech, bytes: &[u8]) {
        if let Some(dialogue) = Dialogue::of_greeting(bytes) {
            self.heard.application = dialogue.application();
            speech.become_(Kind::Dialogue(dialogue), [DIALOGUE; 2]);
        } else if bytes.starts_with(b"SSH-") {
            self.heard.application = Some(Application::Ssh);
            speech.end();
        } else if lines::is_irc_notice(bytes) {
            self.heard.application = Some(Application::Irc);
            speech.end();
        }
    }

    fn first_request(&mut self, flow: u64, speech: &mut Speech, ends: &Ends, segment: &Segment<'_>) {
        match tls::stream(segment.payload) {
            tls::Stream::No => {}
            tls::Stream::More => {
                self.heard.application = Some(Application::Tls);
                speech.place = self.gathers.begin(flow, segment.sequence);
                speech.become_(Kind::Hello, [PATIENCE, 0]);
                self.gathers.add(speech.place, flow, segment.sequence, segment.payload);
                return;
            }
            found => {
                self.heard.application = Some(Application::Tls);
                Self::client_hello(&mut self.heard, &found, NameSource::Tls);
                return speech.end();
            }
        }
        let bytes = segment.payload;
        let form = match () {
            () if bytes.starts_with(b"SSH-") => Some(Application::Ssh),
            () if marks::is_sip(bytes) => Some(Application::Sip),
            () if lines::is_irc(bytes) => Some(Application::Irc),
            () if ends.server.port == 502 && marks::is_modbus(bytes) => Some(Application::Modbus),
            () => None,
        };
        if form.is_some() {
            self.heard.application = form;
            speech.end();
        } else if marks::is_rtsp(bytes) {
            speech.become_(Kind::Rtsp, [REQUESTS, 0]);
            self.request(speech, bytes);
        } else if let Some(has_password) = marks::mqtt_connect(bytes) {
            self.heard.application = Some(Application::Mqtt);
            if has_password {
                let how = "CONNECT with password";
                self.heard.told.push(Told::CredentialsInClear { by: Application::Mqtt, how });
                speech.become_(Kind::Mqtt, [0, 1]);
            } else {
                speech.end();
            }
        } else if bytes.starts_with(&[0xff]) && matches!(bytes, [_, 0xfb..=0xfe, _, ..]) {
            self.heard.application = Some(Application::Telnet);
            speech.become_(Kind::Dialogue(Dialogue::Telnet), [DIALOGUE; 2]);
        } else if http::is_request(bytes) {
            speech.become_(Kind::Http, [REQUESTS, 0]);
            self.request(speech, bytes);
        } else if ends.server.port == 53 && segment.payload.len() > 14 {
            speech.become_(Kind::Dns, [ALWAYS; 2]);
            self.dns(ends, segment, &segment.payload[2..]);
        }
    }

    fn client_hello(heard: &mut Heard, stream: &tls::Stream<'_>, source: NameSource) {
        let body = match stream {
            tls::Stream::Whole(body) => body,
            tls::Stream::Joined(body) => &body[..],
            _ => return,
        };
        if let Some(hello) = tls::hello(body, false) {
            heard.name = hello.name.map(|text| Name { text, source });
            heard.told.push(Told::ClientHello(hello.shape));
        }
    }

    /// A request of HTTP, or of RTSP, whose head is written alike.
    fn request(&mut self, speech: &mut Speech, bytes: &[u8]) {
        let by = if speech.kind == Kind::Rtsp { Application::Rtsp } else { Application::Http };
        let Some(request) = http::request(bytes) else { return };
        let heard = &mut self.heard;
        heard.application = Some(by);
        heard.name = request.host.and_then(http::name_of_host).map(|text| Name { text, source: NameSource::HttpHost });
        let agent = request.agent.and_then(crate::name::free_text);
        heard.told.extend(agent.map(|text| Told::Introduced { by, what: "user-agent", text }));
        let how = match () {
            () if request.has_basic => "basic authorization",
            () if request.is_form && http::has_password(request.body) => "form",
            () => return,
        };
        // One is enough to know; each result counts.
        if speech.note == 0 {
            heard.told.push(Told::CredentialsInClear { by, how });
            speech.note = 1;
        }
        if request.has_basic {
            if by == Application::Http {
                speech.kind = Kind::HttpLogin;
            }
            speech.left[1] = 1;
        }
    }

    /// What a server said to a password.
    fn response(&mut self, speech: &mut Speech, bytes: &[u8]) {
        let by = if speech.kind == Kind::Rtsp { Application::Rtsp } else { Application::Http };
        let ok = match http::status(bytes) {
            Some(401 | 403) => false,
            Some(200..=399) => true,
            _ => return,
        };
        self.heard.told.push(Told::Login { by, ok });
    }
}
