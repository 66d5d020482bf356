//! Puts together what runs over a few segments or frames: a ClientHello in three TCP segments, QUIC CRYPTO frames in any order.
//!
//! A pool of fixed size; a flow holds the number of its place. Who comes when all places are taken gets the oldest's, and the
//! oldest finds somebody else in it: nothing is to be freed when a flow ends.

/// Octets of one stream by their offset.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pieces: Vec<(u32, Box<[u8]>)>,
    octets: usize,
}

/// Most pieces of one stream.
const MOST: usize = 32;
/// Most octets of one stream.
const LONGEST: usize = 16_384;

impl Pieces {
    /// Adds octets at an offset; `false` where the stream is too long or too scattered.
    pub(crate) fn add(&mut self, offset: u32, octets: &[u8]) -> bool {
        let is_within = offset as usize + octets.len() <= LONGEST;
        if !is_within || self.pieces.len() >= MOST || self.octets + octets.len() > 2 * LONGEST {
            return false;
        }
        let at = self.pieces.partition_point(|(other, _)| *other <= offset);
        self.pieces.insert(at, (offset, octets.into()));
        self.octets += octets.len();
        true
    }

    /// What is there from the beginning without a hole. Where pieces overlap, the earlier offset speaks.
    pub(crate) fn prefix(&self, out: &mut Vec<u8>) {
        out.clear();
        for (offset, octets) in &self.pieces {
            match out.len().checked_sub(*offset as usize) {
                Some(known) => out.extend_from_slice(octets.get(known..).unwrap_or_default()),
                None => return,
            }
        }
    }

    fn clear(&mut self) {
        self.pieces.clear();
        self.octets = 0;
    }
}

/// Streams in assembly.
#[derive(Debug)]
pub(crate) struct Gathers {
    places: Vec<Place>,
    most: usize,
    next: usize,
    /// Streams that were put out before they were whole.
    pub(crate) displaced: u64,
    joined: Vec<u8>,
}

#[derive(Debug)]
struct Place {
    owner: Option<u64>,
    base: u32,
    pieces: Pieces,
}

impl Gathers {
    pub(crate) fn new(most: usize) -> Self {
        Self { places: Vec::new(), most: most.clamp(1, 65_535), next: 0, displaced: 0, joined: Vec::new() }
    }

    /// Begins a stream at this sequence number; the number of its place.
    pub(crate) fn begin(&mut self, owner: u64, base: u32) -> u16 {
        let at = self.next;
        self.next = (at + 1) % self.most;
        match self.places.get_mut(at) {
            Some(place) => {
                self.displaced += u64::from(place.owner.is_some());
                place.pieces.clear();
                (place.owner, place.base) = (Some(owner), base);
            }
            None => self.places.push(Place { owner: Some(owner), base, pieces: Pieces::default() }),
        }
        at as u16
    }

    /// Adds a segment: what is there from the beginning, or `None` where the stream was put out or is too long.
    pub(crate) fn add(&mut self, place: u16, owner: u64, sequence: u32, octets: &[u8]) -> Option<&[u8]> {
        let place = self.places.get_mut(usize::from(place)).filter(|it| it.owner == Some(owner))?;
        let offset = sequence.wrapping_sub(place.base);
        // What lies before the beginning is a repetition (RFC 9293 §3.4: half the space is the past).
        if offset >> 31 == 0 && !place.pieces.add(offset, octets) {
            place.owner = None;
            return None;
        }
        place.pieces.prefix(&mut self.joined);
        Some(&self.joined)
    }

    /// The stream is done.
    pub(crate) fn end(&mut self, place: u16, owner: u64) {
        if let Some(place) = self.places.get_mut(usize::from(place)).filter(|it| it.owner == Some(owner)) {
            place.owner = None;
            place.pieces.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_in_any_order_become_one() {
        let mut pieces = Pieces::default();
        let mut out = Vec::new();
        for (offset, octets) in [(6, "ghi"), (0, "abc"), (2, "cdefg")] {
            assert!(pieces.add(offset, octets.as_bytes()));
        }
        pieces.prefix(&mut out);
        assert_eq!(out, b"abcdefghi");
        assert!(!pieces.add(LONGEST as u32, b"x"));
        assert!(!pieces.add(u32::MAX, b"x"));
    }

    #[test]
    fn places_are_reused_and_never_mixed() {
        let mut gathers = Gathers::new(2);
        let first = gathers.begin(1, 100);
        assert_eq!(gathers.add(first, 1, 100, b"ab"), Some(&b"ab"[..]));
        assert_eq!(gathers.add(first, 1, 99, b"?"), Some(&b"ab"[..]), "a repetition");
        gathers.begin(2, 0);
        gathers.begin(3, 0);
        assert_eq!(gathers.add(first, 1, 102, b"cd"), None, "it was put out");
        assert_eq!(gathers.displaced, 1);
        assert_eq!(gathers.add(first, 3, 0, b"x"), Some(&b"x"[..]));
    }
}
