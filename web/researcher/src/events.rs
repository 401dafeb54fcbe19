//! Server-Sent Events (HTML standard, 9.2.6), put together from whatever pieces the network delivers.

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// What kind of event; `message` if the stream does not say.
    pub(crate) name: String,
    /// What it carries.
    pub(crate) data: String,
}

/// The longest line that is kept, in bytes. The hospital's are some hundred.
const LINE_MAX: usize = 1 << 16;

/// What was read of a stream so far.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    line: Vec<u8>,
    /// Whether the last byte was a carriage return, which ends a line together with a line feed after it.
    returned: bool,
    name: String,
    data: String,
}

impl Reader {
    /// The events that these bytes complete.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_return = core::mem::replace(&mut self.returned, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()),
                _ if self.line.len() < LINE_MAX => self.line.push(byte),
                _ => {}
            }
        }
        events
    }

    fn end_of_line(&mut self) -> Option<Event> {
        let line = core::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            let name = core::mem::take(&mut self.name);
            let mut data = core::mem::take(&mut self.data);
            // Each line of data ended in one line feed, and the last one is not part of it.
            data.pop()?;
            let name = if name.is_empty() { "message".to_owned() } else { name };
            return Some(Event { name, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            // A comment has no field, and ids and times to wait are of no use here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\nevent: standing\ndata: {\"a\":1}\n\ndata: one\r\ndata:two\r\n\r\nevent: end\n\n";

    fn expected() -> Vec<Event> {
        let event = |name: &str, data: &str| Event { name: name.into(), data: data.into() };
        // An event without data is none.
        vec![event("standing", "{\"a\":1}"), event("message", "one\ntwo")]
    }

    #[test]
    fn events_are_the_same_however_they_arrive() {
        for piece in 1..STREAM.len() {
            let mut reader = Reader::default();
            let events = STREAM.as_bytes().chunks(piece).flat_map(|piece| reader.read(piece));
            assert_eq!(events.collect::<Vec<_>>(), expected(), "in pieces of {piece}");
        }
    }

    #[test]
    fn characters_may_be_torn() {
        let mut reader = Reader::default();
        let events = "data: Düsseldorf\n\n".bytes().flat_map(|byte| reader.read(&[byte]));
        assert_eq!(events.map(|event| event.data).collect::<Vec<_>>(), ["Düsseldorf"]);
    }
}
