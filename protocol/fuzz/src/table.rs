//! What a table of decoders consists of.

use super::script::Script;

/// Something that is read from bytes which anybody may have made.
pub struct Entry {
    /// The types and functions of the protocol's source that it reaches, by name.
    pub covers: &'static [&'static str],
    /// Reads the bytes and panics on a finding.
    pub read: fn(&[u8]),
    /// Valid bytes.
    pub valid: fn() -> Vec<Vec<u8>>,
}

/// Gives the bytes behind the first to the entry with that number. Entries keep their numbers: new ones come
/// last.
pub fn run(table: &[Entry], data: &[u8]) {
    let mut script = Script::new(data);
    let number = usize::from(script.byte());
    if let Some(entry) = table.get(number) {
        (entry.read)(script.rest());
    }
}

/// Valid bytes for every entry.
pub fn seeds(table: &[Entry]) -> super::Seeds {
    let numbered = (0_u8..).zip(table);
    let seeds = numbered.flat_map(|(number, entry)| {
        let valid = (0_usize..).zip((entry.valid)());
        valid.map(move |(at, bytes)| {
            let name = format!("seed-{number:02}-{at:02}");
            (name, [&[number], bytes.as_slice()].concat())
        })
    });
    seeds.collect()
}
