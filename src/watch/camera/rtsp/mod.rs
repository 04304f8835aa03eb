//! Cameras that speak RTSP: H.264 and JPEG, interleaved in one TCP connection.

mod coded;
mod connection;
mod decoding;
mod description;
mod gop;
mod h264;
mod jpeg;
mod message;
mod packet;

use std::sync::{Arc, OnceLock};

use axum::http::Uri;
use bytes::Bytes;
use tokio::time::{Duration, Instant};
use tokio_util::task::AbortOnDropHandle;

use super::{CameraError, Delivery, FrameSender, Frames, Taking};
use crate::engine::FramePayload;
use crate::sources::LiveH264;
use crate::watch::address::Credentials;
use coded::Coded;
use connection::Connection;
use decoding::{CodedSender, Decoding, NotTaken};
use description::VideoStream;
use h264::AccessUnits;
use jpeg::Jpegs;
use packet::Packet;

/// Longest time without a key frame, without which the others cannot be decoded.
const KEY_FRAME_LIMIT: Duration = Duration::from_secs(60);

/// A connection that has been made.
pub(super) enum Connected {
    /// Its H.264 is decoded here.
    Here(Frames),
    /// It sends JPEGs.
    JpegHere(Frames),
    /// Its codec is for FFmpeg.
    Elsewhere {
        /// The codec's name.
        codec: String,
    },
}

/// The codecs that are read here.
enum Codec {
    H264(Box<LiveH264>),
    Jpeg,
}

/// Connects and begins to play the first stream of video that can be read here.
pub(super) async fn connect(
    uri: &Uri,
    credentials: Option<&Credentials>,
    taking: &Taking,
    undecodable: &Arc<OnceLock<String>>,
) -> Result<Connected, CameraError> {
    let mut connection = Connection::open(uri, credentials).await?;
    let address = uri.to_string();
    // Some cameras want to be asked this first, and some do not know it.
    let knows_get_parameter = match connection.ask("OPTIONS", &address, "").await {
        Ok(answer) => answer.field("Public").is_some_and(|names| names.contains("GET_PARAMETER")),
        Err(CameraError::Status { .. }) => false,
        Err(error) => return Err(error),
    };
    let described = connection.ask("DESCRIBE", &address, "Accept: application/sdp\r\n").await?;
    let base = described.field("Content-Base").or(described.field("Content-Location"));
    let base = base.filter(|base| base.contains("://")).unwrap_or(&address).to_owned();
    let (stream, codec) = match choose(description::video_streams(&described.body))? {
        Ok(found) => found,
        Err(codec) => return Ok(Connected::Elsewhere { codec }),
    };
    let transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n";
    let setup = connection.ask("SETUP", &stream.address(&base), transport).await?;
    let transport = setup.field("Transport").unwrap_or_default();
    // The camera may choose another channel.
    let channel = transport.split(';').find_map(|part| part.trim().strip_prefix("interleaved="));
    let channel = channel.and_then(|channels| channels.split('-').next()?.parse().ok());
    connection.begin_session(&setup, &base, knows_get_parameter)?;
    connection.ask("PLAY", &base, "Range: npt=0.000-\r\n").await?;
    let packets = Packets { connection, channel: channel.unwrap_or(0), kind: stream.kind };
    let (sender, frames) = Frames::channel();
    let max_frame_bytes = taking.limits.max_frame_bytes;
    match codec {
        Codec::Jpeg => {
            let jpegs = Jpegs::new(max_frame_bytes);
            let reading = AbortOnDropHandle::new(tokio::spawn(pass_on(packets, jpegs, sender)));
            Ok(Connected::JpegHere(frames.read_by(reading)))
        }
        Codec::H264(decoder) => {
            let decoding = Decoding::new(*decoder, taking, Arc::clone(undecodable));
            let coded = decoding.start(sender.clone())?;
            let units = AccessUnits::new(stream.parameters, max_frame_bytes);
            let reading = tokio::spawn(decode(packets, units, coded, sender));
            Ok(Connected::Here(frames.read_by(AbortOnDropHandle::new(reading))))
        }
    }
}

/// The first stream of video that can be read here, or else the codec of one that cannot.
fn choose(streams: Vec<VideoStream>) -> Result<Result<(VideoStream, Codec), String>, CameraError> {
    let mut other = None;
    for stream in streams {
        let codec = match stream.codec.as_str() {
            "H264" => LiveH264::new().map(|decoder| Codec::H264(Box::new(decoder))),
            "JPEG" => Some(Codec::Jpeg),
            _ => None,
        };
        match codec {
            Some(codec) => return Ok(Ok((stream, codec))),
            None => other = other.or(Some(stream.codec)),
        }
    }
    other.map(Err).ok_or_else(|| CameraError::NotVideo("a stream without video".to_owned()))
}

/// The packets of a stream.
struct Packets {
    connection: Connection,
    channel: u8,
    kind: u8,
}

impl Packets {
    /// Reads the next packet and hands it to `take`.
    async fn next<T>(&mut self, take: impl FnOnce(&Packet<'_>) -> T) -> Result<T, CameraError> {
        loop {
            let bytes = self.connection.packet(self.channel).await?;
            if let Some(packet) = Packet::parse(&bytes).filter(|packet| packet.kind == self.kind) {
                return Ok(take(&packet));
            }
        }
    }
}

/// Passes on JPEGs as they are.
async fn pass_on(mut packets: Packets, mut jpegs: Jpegs, frames: FrameSender) {
    loop {
        let delivery = match packets.next(|packet| jpegs.push(packet)).await {
            Ok(Some(jpeg)) => Ok(Delivery::from(FramePayload::Jpeg(Bytes::from(jpeg)))),
            Ok(None) => continue,
            Err(error) => Err(error),
        };
        let is_last = delivery.is_err();
        if frames.send(delivery).await.is_err() || is_last {
            return;
        }
    }
}

/// Hands coded frames to the decoder. Where it has no room, or a frame is damaged, everything up to the next key
/// frame is left out.
async fn decode(
    mut packets: Packets,
    mut units: AccessUnits,
    coded: CodedSender,
    frames: FrameSender,
) {
    let mut awaits_key_frame = true;
    let mut left_out = 0;
    let mut last_key_frame = Instant::now();
    let error = 'read: loop {
        let arrived = match packets.next(|packet| units.push(packet)).await {
            Ok(arrived) => arrived,
            Err(error) => break error,
        };
        for unit in arrived {
            let is_key = unit.is_key && unit.is_whole;
            if is_key {
                last_key_frame = Instant::now();
            } else if last_key_frame.elapsed() > KEY_FRAME_LIMIT && awaits_key_frame {
                break 'read CameraError::NoKeyFrame { limit: KEY_FRAME_LIMIT };
            }
            awaits_key_frame = !is_key && (awaits_key_frame || !unit.is_whole);
            if awaits_key_frame {
                left_out += 1;
                // The camera is alive. If this does not fit, something else says so.
                let _ = frames.try_send(Ok(Delivery::Nothing));
                continue;
            }
            match coded.offer(Coded::new(unit.data, is_key, unit.time, left_out)) {
                Ok(()) => left_out = 0,
                Err(NotTaken::Full) => {
                    awaits_key_frame = true;
                    left_out += 1;
                }
                // The decoder has said why it ended.
                Err(NotTaken::Closed) => return,
            }
        }
    };
    coded.end(error).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::attention::Attention;
    use crate::watch::camera::{CameraLimits, Images};

    /// Connects to an address and returns why that fails.
    async fn refusal(uri: &str) -> CameraError {
        let limits = CameraLimits { max_frame_bytes: 1 << 20, fps: None, key_frames: false };
        let attention = Arc::new(Attention::new(false));
        let taking = Taking { limits, images: Images::Decoded, attention };
        let uri = uri.parse().unwrap();
        match connect(&uri, None, &taking, &Arc::default()).await {
            Ok(_) => panic!("{uri} is a camera"),
            Err(error) => error,
        }
    }

    #[tokio::test]
    async fn a_camera_that_is_not_there_is_away() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = refusal(&format!("rtsp://{free}/video")).await;
        assert!(error.is_away(), "{error:?}");
        assert_eq!(error.to_string(), format!("cannot connect to {free}"));
    }

    #[tokio::test]
    async fn what_answers_in_another_language_is_said_without_the_query() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (connection, _) = listener.accept().await.unwrap();
            connection.readable().await.unwrap();
            connection.try_write(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            std::future::pending::<()>().await;
        });
        let error = refusal(&format!("rtsp://{address}/video?token=secret")).await;
        assert_eq!(error.to_string(), "what the camera sends is not RTSP");
    }
}
