//! Finds the stream of video in a camera's description of itself (SDP, RFC 8866).

/// A stream of video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VideoStream {
    /// The payload type of its packets.
    pub(super) kind: u8,
    /// The name of its codec, in capitals.
    pub(super) codec: String,
    /// Where it is set up: an address, or what is appended to that of the whole.
    control: Option<String>,
    /// Its parameter sets, if they are stated: a byte stream with start codes.
    pub(super) parameters: Vec<u8>,
}

/// The streams of video of a description.
pub(super) fn video_streams(description: &str) -> Vec<VideoStream> {
    let mut streams = Vec::new();
    // Whether lines are about the last of them.
    let mut is_video = false;
    for line in description.lines().map(str::trim_end) {
        if let Some(media) = line.strip_prefix("m=") {
            let mut words = media.split(' ');
            is_video = words.next() == Some("video");
            let kind = words.nth(2).and_then(|kind| kind.parse().ok());
            is_video &= kind.is_some();
            if let (true, Some(kind)) = (is_video, kind) {
                // Type 26 needs no name (RFC 3551).
                let codec = if kind == 26 { "JPEG" } else { "an unknown codec" }.to_owned();
                streams.push(VideoStream { kind, codec, control: None, parameters: Vec::new() });
            }
            continue;
        }
        let Some(stream) = streams.last_mut().filter(|_| is_video) else { continue };
        if let Some(control) = line.strip_prefix("a=control:") {
            stream.control = Some(control.trim().to_owned());
        } else if let Some(value) = of_kind(line, "a=rtpmap:", stream.kind) {
            stream.codec = value.split('/').next().unwrap_or_default().trim().to_ascii_uppercase();
        } else if let Some(value) = of_kind(line, "a=fmtp:", stream.kind) {
            let parts = value.split(';').map(str::trim);
            let sets = parts.filter_map(|part| part.strip_prefix("sprop-parameter-sets="));
            for set in sets.flat_map(|sets| sets.split(',')) {
                if let Some(unit) = base64(set) {
                    stream.parameters.extend([0, 0, 0, 1]);
                    stream.parameters.extend(unit);
                }
            }
        }
    }
    streams
}

/// The value of a line about a payload type.
fn of_kind<'a>(line: &'a str, name: &str, kind: u8) -> Option<&'a str> {
    let (found, value) = line.strip_prefix(name)?.split_once(' ')?;
    (found.parse() == Ok(kind)).then_some(value)
}

impl VideoStream {
    /// Where it is set up, if the whole is at `base`.
    pub(super) fn address(&self, base: &str) -> String {
        match self.control.as_deref() {
            None | Some("*") => base.to_owned(),
            Some(control) if control.contains("://") => control.to_owned(),
            // Not as in other addresses: this is what all cameras and clients do.
            Some(control) => format!("{}/{control}", base.trim_end_matches('/')),
        }
    }
}

/// Bytes written in letters (RFC 4648, 4).
fn base64(text: &str) -> Option<Vec<u8>> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for letter in text.trim().trim_end_matches('=').bytes() {
        let value = LETTERS.iter().position(|known| *known == letter)?;
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_of_video_are_found_among_others() {
        let streams = video_streams(
            "v=0\r\na=control:rtsp://cam/all\r\nm=audio 0 RTP/AVP 0\r\na=control:sound\r\n\
             m=video 0 RTP/AVP 97\r\na=rtpmap:97 h264/90000\r\na=control:track=1\r\n\
             a=fmtp:97 packetization-mode=1; sprop-parameter-sets=Z0IA,aM4=;x=y\r\n\
             m=video 0 RTP/AVP 26\r\nm=video nonsense\r\na=control:lost\r\n\
             m=video 0 RTP/AVP 98\r\na=rtpmap:98 H265/90000\r\na=control:rtsp://cam/v\r\n",
        );
        let codecs: Vec<_> =
            streams.iter().map(|stream| (stream.kind, stream.codec.as_str())).collect();
        assert_eq!(codecs, [(97, "H264"), (26, "JPEG"), (98, "H265")]);
        assert_eq!(streams[0].parameters, [0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 0, 1, 0x68, 0xCE]);
        let addresses: Vec<_> =
            streams.iter().map(|stream| stream.address("rtsp://cam/all/")).collect();
        assert_eq!(addresses, ["rtsp://cam/all/track=1", "rtsp://cam/all/", "rtsp://cam/v"]);
    }
}
