//! Looks at the database's files before SQLite does.
//!
//! What SQLite cannot read in its write-ahead log it takes for the rest of a transaction that was cut
//! off, drops it, and overwrites it soon. That is right for a torn tail and wrong for damage, so the
//! log is read here first (<https://www.sqlite.org/fileformat2.html>, sections 1.3 and 4).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::schema::{FORMER_PAGE_SIZE, PAGE_SIZE};

const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const MAGIC: u32 = 0x377f_0682;
const LOG_VERSION: u32 = 3_007_000;

/// What is wrong with a file; `Ok(None)` if nothing is.
pub(super) type Verdict = io::Result<Option<String>>;

/// Checks the constant part of the database's header. An empty file is a database without tables.
pub(super) fn check_database(path: &Path) -> Verdict {
    let header = header(path)?;
    if header.is_empty() {
        return Ok(None);
    }
    let good = header.len() == 100
        && header.starts_with(b"SQLite format 3\0")
        && page_size(&header).is_some()
        // Journal or write-ahead log, for writing and for reading alike.
        && matches!(header[18..20], [1, 1] | [2, 2])
        && header[20..24] == [0, 64, 32, 32]
        // UTF-8 once there is a table, and no automatic vacuum.
        && header[52..56] == [0; 4]
        && matches!(header[56..60], [0, 0, 0, 0 | 1])
        && header[64..68] == [0; 4];
    Ok((!good).then(|| "its first 100 bytes are not the header of a store".to_owned()))
}

/// The first 100 bytes of the database, or as many as there are.
fn header(path: &Path) -> io::Result<Vec<u8>> {
    let mut header = Vec::new();
    File::open(path)?.take(100).read_to_end(&mut header)?;
    Ok(header)
}

/// How long a page is, if it is as long as that of a store.
fn page_size(header: &[u8]) -> Option<u32> {
    let said = u32::from(u16::from_be_bytes([*header.get(16)?, *header.get(17)?]));
    [PAGE_SIZE, FORMER_PAGE_SIZE].into_iter().find(|size| *size == said)
}

/// Checks the write-ahead log of a database. A missing or empty one is good, and so is one with a torn tail: the
/// last transaction, which was never acknowledged, may be there in part and in any order.
pub(super) fn check_log(path: &Path, database: &Path) -> Verdict {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut file = BufReader::with_capacity(1 << 18, file);
    let mut header = [0; LOG_HEADER];
    if !fill(&mut file, &mut header)? {
        // SQLite had not yet written the header of its first transaction.
        return Ok(None);
    }
    // Of a database that has no header yet there is nothing in a log either.
    let page_size = page_size(&self::header(database)?).unwrap_or(PAGE_SIZE);
    let Some(mut log) = Log::new(&header, page_size) else {
        // The header is synced before the first frame counts, so frames without one are damage.
        let mut rest = Vec::new();
        file.take(1 << 20).read_to_end(&mut rest)?;
        let torn = rest.iter().all(|byte| *byte == 0);
        return Ok((!torn).then(|| "its header was altered".to_owned()));
    };
    let mut frame = vec![0; FRAME_HEADER + page_size as usize];
    let mut number = 0_u64;
    while fill(&mut file, &mut frame)? {
        number += 1;
        log.frame(number, &frame);
        if log.commits_lost > 1 {
            let first = log.first_bad.unwrap_or(number);
            return Ok(Some(format!("frame {first} was altered, and committed frames follow it")));
        }
    }
    Ok(None)
}

/// Reads exactly one buffer; `false` at the end of the file, which may come in the middle of one.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// A log while it is read.
struct Log {
    big_endian: bool,
    salts: [u8; 8],
    /// The checksum in the frame before, or in the header.
    sum: [u32; 2],
    first_bad: Option<u64>,
    /// Commits among the frames that belong together behind a bad one. One of them may be that of
    /// the torn tail. A transaction starts only after the one before was synced, so a second one
    /// means that what was committed is gone.
    commits_lost: u32,
}

impl Log {
    fn new(header: &[u8; LOG_HEADER], page_size: u32) -> Option<Self> {
        let magic = word(header, 0, true);
        let log = Self {
            big_endian: magic == MAGIC | 1,
            salts: header[16..24].try_into().ok()?,
            sum: [word(header, 24, true), word(header, 28, true)],
            first_bad: None,
            commits_lost: 0,
        };
        let good = magic & !1 == MAGIC
            && word(header, 4, true) == LOG_VERSION
            && word(header, 8, true) == page_size
            && log.add([0, 0], &header[..24]) == log.sum;
        good.then_some(log)
    }

    fn frame(&mut self, number: u64, frame: &[u8]) {
        let (header, page) = frame.split_at(FRAME_HEADER);
        let stored = [word(header, 16, true), word(header, 20, true)];
        let current = header[8..16] == self.salts;
        let follows = current
            && word(header, 0, true) != 0
            && self.add(self.add(self.sum, &header[..8]), page) == stored;
        self.sum = stored;
        if follows && self.first_bad.is_none() {
            return;
        }
        self.first_bad.get_or_insert(number);
        if !follows {
            // Whatever came before belongs to something else, such as a commit that failed.
            self.commits_lost = 0;
        }
        if current && word(header, 4, true) != 0 {
            self.commits_lost += 1;
        }
    }

    fn add(&self, sum: [u32; 2], bytes: &[u8]) -> [u32; 2] {
        let [mut first, mut second] = sum;
        for place in (0..bytes.len()).step_by(8) {
            first = first.wrapping_add(word(bytes, place, self.big_endian)).wrapping_add(second);
            second =
                second.wrapping_add(word(bytes, place + 4, self.big_endian)).wrapping_add(first);
        }
        [first, second]
    }
}

fn word(bytes: &[u8], at: usize, big_endian: bool) -> u32 {
    let word = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
}
