//! The book of names: for each asker, which name it had asked for when it got an address.
//!
//! An answer stands under who asked, since two devices may know one address by two names (shared hosting). Where an answer of one
//! family came over the other (AAAA over IPv4), it stands under the asker's hardware address as well.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use fleetward_fleet::Mac;
use hashbrown::HashMap;

use super::NameLimits;
use crate::{Endpoint, Time};

/// What an asker had asked for, and the names that the answer led through.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lookup {
    pub(crate) asked: Box<str>,
    pub(crate) chain: Vec<Box<str>>,
}

/// Every asker's names, bounded.
#[derive(Debug)]
pub(crate) struct Book {
    pages: HashMap<Asker, Page>,
    order: VecDeque<Asker>,
    entries: usize,
    limits: NameLimits,
    /// Entries that gave way to others.
    pub(crate) displaced: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Asker {
    Ip(IpAddr),
    Mac(Mac),
}

#[derive(Debug, Default)]
struct Page {
    entries: HashMap<IpAddr, Entry>,
    order: VecDeque<IpAddr>,
    /// It was written to since it was last looked at for removal.
    used: bool,
}

#[derive(Debug)]
struct Entry {
    lookup: Arc<Lookup>,
    until: Time,
    /// It was answered again since it was last looked at for removal.
    again: bool,
}

impl Book {
    pub(crate) fn new(limits: NameLimits) -> Self {
        Self { pages: HashMap::new(), order: VecDeque::new(), entries: 0, limits, displaced: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries
    }

    /// Writes an answer down.
    pub(crate) fn write(&mut self, asker: &Endpoint, question: &str, chain: &[Box<str>], to: &[IpAddr], until: Time) {
        let mut lookup = None;
        for address in to {
            if address.is_unspecified() || address.is_loopback() || address.is_multicast() {
                continue;
            }
            self.write_one(Asker::Ip(asker.ip), question, chain, *address, until, &mut lookup);
            if address.is_ipv4() != asker.ip.is_ipv4() && !asker.mac.is_unknown() {
                self.write_one(Asker::Mac(asker.mac), question, chain, *address, until, &mut lookup);
            }
        }
    }

    /// What this asker had asked for when it got the address, if that still counts.
    pub(crate) fn find(&self, asker: &Endpoint, address: IpAddr, now: Time) -> Option<&Lookup> {
        let at = |asker| {
            let entry = self.pages.get(&asker)?.entries.get(&address)?;
            (now <= entry.until).then_some(&*entry.lookup)
        };
        if self.entries == 0 {
            return None;
        }
        at(Asker::Ip(asker.ip)).or_else(|| if asker.mac.is_unknown() { None } else { at(Asker::Mac(asker.mac)) })
    }

    /// The address is called by who asked for it: what counts now counts for the grace from now on.
    pub(crate) fn keep(&mut self, asker: &Endpoint, address: IpAddr, now: Time) {
        if self.entries == 0 {
            return;
        }
        let until = Time(now.0.saturating_add(i64::from(self.limits.grace) * 1_000_000_000));
        for asker in [Asker::Ip(asker.ip), Asker::Mac(asker.mac)] {
            let entry = self.pages.get_mut(&asker).and_then(|page| page.entries.get_mut(&address));
            if let Some(entry) = entry.filter(|entry| now <= entry.until) {
                (entry.until, entry.again) = (until.max(entry.until), true);
            }
        }
    }

    fn write_one(
        &mut self,
        asker: Asker,
        question: &str,
        chain: &[Box<str>],
        address: IpAddr,
        until: Time,
        lookup: &mut Option<Arc<Lookup>>,
    ) {
        let mut fresh = || {
            Arc::clone(lookup.get_or_insert_with(|| Arc::new(Lookup { asked: question.into(), chain: chain.to_vec() })))
        };
        if let Some(page) = self.pages.get_mut(&asker) {
            page.used = true;
            if let Some(entry) = page.entries.get_mut(&address) {
                if *entry.lookup.asked != *question || entry.lookup.chain != chain {
                    entry.lookup = fresh();
                }
                (entry.until, entry.again) = (until.max(entry.until), true);
                return;
            }
        } else {
            self.make_room_for_asker();
            self.pages.insert(asker, Page { used: true, ..Page::default() });
            self.order.push_back(asker);
        }
        while self.entries >= self.limits.total.max(1) && self.order.len() > 1 {
            self.drop_asker(Some(asker));
        }
        let Some(page) = self.pages.get_mut(&asker) else { return };
        while page.entries.len() >= self.limits.per_asker.min(self.limits.total).max(1) {
            page.drop_oldest();
            self.entries -= 1;
            self.displaced += 1;
        }
        page.entries.insert(address, Entry { lookup: fresh(), until, again: false });
        page.order.push_back(address);
        self.entries += 1;
    }

    fn make_room_for_asker(&mut self) {
        while self.pages.len() >= self.limits.askers.max(1) {
            self.drop_asker(None);
        }
    }

    /// Removes who was written to longest ago, by second chance; `keep` stays.
    fn drop_asker(&mut self, keep: Option<Asker>) {
        for _ in 0..=self.order.len() * 2 {
            let Some(asker) = self.order.pop_front() else { return };
            let spared = match self.pages.get_mut(&asker) {
                Some(page) => std::mem::take(&mut page.used) || Some(asker) == keep,
                None => continue,
            };
            if spared {
                self.order.push_back(asker);
                continue;
            }
            let gone = self.pages.remove(&asker).map_or(0, |page| page.entries.len());
            self.entries -= gone;
            self.displaced += gone as u64;
            return;
        }
    }
}

impl Page {
    /// Removes what was answered longest ago, by second chance.
    fn drop_oldest(&mut self) {
        while let Some(address) = self.order.pop_front() {
            if self.entries.get_mut(&address).is_some_and(|entry| std::mem::take(&mut entry.again)) {
                self.order.push_back(address);
            } else {
                self.entries.remove(&address);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(0);
    const LATER: Time = Time(60_000_000_000);

    fn asker(last: u8) -> Endpoint {
        Endpoint { ip: IpAddr::from([192, 0, 2, last]), port: 0, mac: Mac([2, 0, 0, 0, 0, last]) }
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    fn book(askers: usize, per_asker: usize, total: usize) -> Book {
        Book::new(NameLimits { askers, per_asker, total, ..NameLimits::default() })
    }

    fn name(book: &Book, who: u8, what: u8) -> Option<String> {
        book.find(&asker(who), address(what), NOW).map(|it| it.asked.to_string())
    }

    #[test]
    fn each_asker_has_its_own_name_for_an_address() {
        let mut book = book(8, 8, 8);
        book.write(&asker(1), "a.example", &["cdn.example".into()], &[address(9)], LATER);
        book.write(&asker(2), "b.example", &[], &[address(9)], LATER);
        assert_eq!(name(&book, 1, 9).as_deref(), Some("a.example"));
        assert_eq!(name(&book, 2, 9).as_deref(), Some("b.example"));
        assert_eq!(name(&book, 3, 9), None);
        assert_eq!(book.find(&asker(1), address(9), Time(LATER.0 + 1)), None, "it is out of date");
        let v6 = Endpoint { ip: "2001:db8::1".parse().expect("an address"), ..asker(1) };
        let target: IpAddr = "2001:db8::9".parse().expect("an address");
        book.write(&asker(1), "c.example", &[], &[target], LATER);
        assert_eq!(
            book.find(&v6, target, NOW).map(|it| &*it.asked),
            Some("c.example"),
            "asked over IPv4, used over IPv6"
        );
    }

    #[test]
    fn a_name_counts_for_as_long_as_it_is_followed() {
        let mut book = book(8, 8, 8);
        let day = i64::from(NameLimits::default().grace) * 1_000_000_000;
        book.write(&asker(1), "a.example", &[], &[address(9)], LATER);
        for days in 0..5 {
            book.keep(&asker(1), address(9), Time(day * days));
            assert!(book.find(&asker(1), address(9), Time(day * (days + 1))).is_some());
        }
        assert_eq!(book.find(&asker(1), address(9), Time(day * 5 + 1)), None, "nobody called for a day");
        book.keep(&asker(1), address(9), Time(day * 6));
        assert_eq!(book.find(&asker(1), address(9), Time(day * 6)), None, "what is over does not come back");
    }

    #[test]
    fn what_is_used_stays_and_the_rest_gives_way() {
        let mut book = book(2, 2, 3);
        for what in [1, 2] {
            book.write(&asker(1), "a.example", &[], &[address(what)], LATER);
        }
        book.write(&asker(1), "a.example", &[], &[address(1)], LATER);
        book.write(&asker(1), "a.example", &[], &[address(3)], LATER);
        assert_eq!([1, 2, 3].map(|it| name(&book, 1, it).is_some()), [true, false, true]);
        assert_eq!((book.len(), book.displaced), (2, 1));
        book.write(&asker(2), "a.example", &[], &[address(1), address(2)], LATER);
        assert!(book.len() <= 3, "{}", book.len());
        for who in 3..200 {
            book.write(&asker(who), "a.example", &[], &[address(1), address(2), address(3), address(4)], LATER);
            assert!(book.len() <= 3 && book.pages.len() <= 2);
        }
        assert_eq!(book.len(), book.pages.values().map(|it| it.entries.len()).sum::<usize>());
    }
}
