//! The fuzzer's bytes as a script: what is to be done, one small decision after the other.
//!
//! Every byte string is a script, and a byte that is changed changes little else, so that the fuzzer's
//! mutations of a script that gets far get far as well.

/// What is left of a script.
#[derive(Clone, Copy)]
pub struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next operation, unless the script is over.
    pub fn operation(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next number below 256; behind the end, 0.
    pub fn byte(&mut self) -> u8 {
        self.operation().unwrap_or(0)
    }

    /// The next number below 65,536.
    pub fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// An index into something that is `len` long and not empty.
    pub fn index(&mut self, len: usize) -> usize {
        usize::from(self.byte()) % len
    }

    /// A position in something that is `len` long and may be longer than a byte can say.
    pub fn position(&mut self, len: usize) -> usize {
        usize::from(self.short()) % len
    }

    /// Up to `len` of the next bytes.
    pub fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.bytes(usize::MAX)
    }

    /// Alters one place of a message, or its end.
    pub fn mutate(&mut self, message: &mut Vec<u8>) {
        let kind = self.byte();
        if message.is_empty() {
            return message.push(kind);
        }
        match kind % 8 {
            0..=2 => {
                let at = self.position(message.len());
                message[at] ^= 1 << (self.byte() % 8);
            }
            3 => {
                let at = self.position(message.len());
                message[at] = self.byte();
            }
            // Positions from the end, where short fields and lengths are in few messages.
            4 => {
                let at = message.len() - 1 - self.position(message.len());
                message[at] = message[at].wrapping_add(1);
            }
            5 => message.truncate(self.position(message.len())),
            6 => {
                let len = usize::from(self.byte() % 32);
                message.extend_from_slice(self.bytes(len));
            }
            _ => {
                let (at, len) = (self.position(message.len()), usize::from(self.byte()));
                message.drain(at..(at + len).min(message.len()));
            }
        }
    }

    /// The beginning of `message` with the end of `other`.
    pub fn splice(&mut self, message: &mut Vec<u8>, other: &[u8]) {
        if !other.is_empty() {
            let at = self.position(other.len());
            message.truncate(at);
            message.extend_from_slice(&other[at..]);
        }
    }
}
