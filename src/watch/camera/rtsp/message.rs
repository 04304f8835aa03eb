//! Messages of RTSP (RFC 2326): read from bytes as they arrive, and written.

use bytes::{Buf, BytesMut};

/// Longest head of an answer.
const MOST_HEAD_BYTES: usize = 16 << 10;
/// Longest body of an answer, which describes a camera's streams.
const MOST_BODY_BYTES: usize = 64 << 10;

/// A message of a camera.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// A packet of a stream.
    Packet {
        channel: u8,
        bytes: BytesMut,
    },
    Answer(Answer),
    /// A request, which cameras rarely make; it is ignored.
    Request,
}

/// An answer to a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    fields: Vec<(String, String)>,
    pub(super) body: String,
}

/// The bytes are not RTSP.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotRtsp(pub(super) &'static str);

impl Answer {
    /// The first field of this name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.all_fields(name).next()
    }

    /// The fields of this name.
    pub(super) fn all_fields(&self, name: &str) -> impl Iterator<Item = &str> {
        let is = move |(found, _): &&(String, String)| found.eq_ignore_ascii_case(name);
        self.fields.iter().filter(is).map(|(_, value)| value.as_str())
    }
}

/// Takes the next message out of what has arrived; `None` until it is complete.
pub(super) fn take(arrived: &mut BytesMut) -> Result<Option<Message>, NotRtsp> {
    // Some cameras put empty lines between messages.
    let empty = arrived.iter().take_while(|byte| b"\r\n".contains(byte)).count();
    arrived.advance(empty);
    match arrived.first_chunk() {
        Some(&[b'$', channel, high, low]) => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if arrived.len() < 4 + length {
                return Ok(None);
            }
            arrived.advance(4);
            Ok(Some(Message::Packet { channel, bytes: arrived.split_to(length) }))
        }
        Some(_) => take_text(arrived),
        None => Ok(None),
    }
}

fn take_text(arrived: &mut BytesMut) -> Result<Option<Message>, NotRtsp> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = memchr::memmem::find(arrived, END) else {
        return match arrived.len() {
            0..=MOST_HEAD_BYTES => Ok(None),
            _ => Err(NotRtsp("the head of an answer is too long")),
        };
    };
    let head = String::from_utf8_lossy(&arrived[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    let mut answer = Answer { fields: lines.filter_map(field).collect(), ..Answer::default() };
    let length = match answer.field("Content-Length").map(str::parse) {
        Some(Ok(length)) if length <= MOST_BODY_BYTES => length,
        Some(_) => return Err(NotRtsp("the length of an answer cannot be used")),
        None => 0,
    };
    let body = end + END.len();
    if arrived.len() < body + length {
        return Ok(None);
    }
    answer.body = String::from_utf8_lossy(&arrived[body..body + length]).into_owned();
    arrived.advance(body + length);
    let mut words = first.split(' ');
    match (words.next(), words.next().map(str::parse)) {
        (Some("RTSP/1.0" | "RTSP/2.0"), Some(Ok(status))) => {
            Ok(Some(Message::Answer(Answer { status, ..answer })))
        }
        _ if first.ends_with("RTSP/1.0") => Ok(Some(Message::Request)),
        _ => Err(NotRtsp("what the camera sends is not RTSP")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_once_they_are_complete() {
        let text = b"$\x02\0\x03abc\r\nRTSP/1.0 200 OK\r\nCSeq: 1\r\ncontent-length:2\r\n\r\nhi\
            OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n$\0\0\0";
        let (mut arrived, mut found) = (BytesMut::new(), Vec::new());
        for byte in text {
            arrived.extend([*byte]);
            found.extend(take(&mut arrived).unwrap());
        }
        let [
            Message::Packet { channel: 2, bytes },
            Message::Answer(answer),
            Message::Request,
            last,
        ] = &found[..]
        else {
            panic!("{found:?}")
        };
        assert_eq!(bytes, "abc");
        assert_eq!((answer.status, answer.body.as_str()), (200, "hi"));
        assert_eq!(answer.field("cseq"), Some("1"));
        assert_eq!(*last, Message::Packet { channel: 0, bytes: BytesMut::new() });
        assert!(arrived.is_empty());
    }

    #[test]
    fn what_is_not_rtsp_or_has_no_end_is_refused() {
        for text in [
            "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
            "RTSP/1.0 OK\r\n\r\n".to_owned(),
            "RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n".to_owned(),
            "RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n".to_owned(),
            "x".repeat(MOST_HEAD_BYTES + 1),
        ] {
            assert!(take(&mut BytesMut::from(text.as_str())).is_err(), "{text:.60}");
        }
    }
}
