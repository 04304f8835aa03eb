//! Decodes access units: the one user of `rusty_h264-decoder`.

use std::collections::BTreeMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use rusty_h264_decoder::{DecodeError as CoreError, Decoder, Pps, Sps};

use super::bits::unescape;
use super::slice_header::{self, Order, SliceStart, Syntax};
use super::{colour, units};
use crate::DecodeError;
use crate::image::{ColourMatrix, ColourRange, Orientation, YuvImage};
use crate::limits::Limits;

/// Decodes the access units of one H.264 stream, in the order in which they are coded.
///
/// An access unit is one coded frame: all its NAL units, without start codes or lengths. Its image comes back at
/// once; who wants the order in which frames are shown sorts them by their time stamps, which the stream's
/// container or transport holds.
pub struct H264Decoder {
    core: Decoder,
    limits: Limits,
    sequences: BTreeMap<u32, Sequence>,
    /// Parameters of frames (PPS), by their number.
    frame_sets: BTreeMap<u32, FrameSet>,
    /// The parameter sets as they came, to begin afresh with.
    parameter_sets: BTreeMap<(u8, u32), Vec<u8>>,
    /// The last access unit failed, and the decoder may hold half a frame of it.
    has_failed: bool,
}

/// Facts of a sequence parameter set (SPS).
#[derive(Debug, Clone, Copy)]
struct Sequence {
    frame_number_bits: u32,
    frames_only: bool,
    order: Order,
    range: ColourRange,
    matrix: Option<u8>,
    /// Samples that are cut off at the left and at the top, which the decoder leaves in place.
    crop: (usize, usize),
}

/// Facts of a PPS.
#[derive(Debug, Clone, Copy)]
struct FrameSet {
    sequence: u32,
    has_bottom_field_order: bool,
    has_redundant_slices: bool,
}

/// Types of NAL units (ITU-T H.264, table 7-1).
const SLICE: u8 = 1;
const KEY_SLICE: u8 = 5;
const SEQUENCE: u8 = 7;
const FRAME_SET: u8 = 8;

/// Parameter sets and slice headers are small; what is longer is not read further.
const MOST_PARAMETER_BYTES: usize = 4096;

impl H264Decoder {
    /// A decoder, where one is in the build: with the Cargo feature `native`.
    pub fn built_in(limits: &Limits) -> Option<Self> {
        Some(Self::new(limits))
    }

    /// A decoder that knows no parameters yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            core: Decoder::new(),
            limits: *limits,
            sequences: BTreeMap::new(),
            frame_sets: BTreeMap::new(),
            parameter_sets: BTreeMap::new(),
            has_failed: false,
        }
    }

    /// Takes the parameter sets of a decoder configuration record (ISO/IEC 14496-15, 5.3.3.1) and returns in how
    /// many bytes the lengths of NAL units are written.
    ///
    /// # Errors
    /// [`DecodeError`] when the record is broken, or asks for what the decoder does not know.
    pub fn configure(&mut self, record: &[u8]) -> Result<usize, DecodeError> {
        let broken = || DecodeError::Damaged("its decoder configuration is broken".to_owned());
        let (head, mut rest) = record.split_at_checked(5).ok_or_else(broken)?;
        let length_bytes = usize::from(head[4] & 3) + 1;
        for mask in [31, 255] {
            let (&count, mut sets) = rest.split_first().ok_or_else(broken)?;
            for _ in 0..count & mask {
                let (length, tail) = sets.split_at_checked(2).ok_or_else(broken)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                let (unit, tail) = tail.split_at_checked(length).ok_or_else(broken)?;
                self.contain(|this| this.take_parameters(unit))?;
                sets = tail;
            }
            rest = sets;
        }
        Ok(length_bytes)
    }

    /// Whether the parameters that it knows allow frames that are coded as two fields.
    pub(crate) fn may_hold_fields(&self) -> bool {
        self.sequences.values().any(|sequence| !sequence.frames_only)
    }

    /// Whether a NAL unit, of which the beginning is enough, is a slice of a field.
    pub(crate) fn is_field(&self, unit: &[u8]) -> bool {
        let is_slice = unit.first().is_some_and(|head| matches!(head & 31, SLICE | KEY_SLICE));
        is_slice && matches!(self.begin_slice(unit), Err(DecodeError::Unsupported(_)))
    }

    /// Decodes one access unit.
    ///
    /// # Errors
    /// [`DecodeError`]: this frame is lost, and those that refer to it may be.
    pub fn decode<'a>(
        &mut self,
        units: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<YuvImage, DecodeError> {
        let decoded = self.contain(|this| this.decode_units(units));
        self.has_failed = decoded.is_err();
        decoded
    }

    /// [`H264Decoder::decode`] for an access unit with start codes.
    ///
    /// # Errors
    /// [`DecodeError`]: this frame is lost, and those that refer to it may be.
    pub fn decode_byte_stream(&mut self, access_unit: &[u8]) -> Result<YuvImage, DecodeError> {
        self.decode(units::annex_b_units(access_unit))
    }

    /// [`H264Decoder::decode`] for a sample of an MP4 file.
    ///
    /// # Errors
    /// [`DecodeError`]: this frame is lost, and those that refer to it may be.
    pub fn decode_sample(
        &mut self,
        sample: &[u8],
        length_bytes: usize,
    ) -> Result<YuvImage, DecodeError> {
        let units: Vec<&[u8]> =
            units::length_prefixed_units(sample, length_bytes).collect::<Result<_, _>>()?;
        self.decode(units)
    }

    /// Catches panics. The decoder then begins afresh, with the parameter sets that it had.
    fn contain<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            self.core = Decoder::new();
            for unit in mem::take(&mut self.parameter_sets).into_values() {
                // They were accepted once.
                let _ = catch_unwind(AssertUnwindSafe(|| self.take_parameters(&unit)));
            }
            Err(DecodeError::Panicked)
        })
    }

    fn decode_units<'a>(
        &mut self,
        units: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<YuvImage, DecodeError> {
        let deadline = Instant::now() + self.limits.frame_time;
        let mut image = None;
        let mut last: Option<u32> = None;
        for unit in units {
            let Some(&header) = unit.first() else { continue };
            match header & 31 {
                SEQUENCE | FRAME_SET => self.take_parameters(unit)?,
                SLICE | KEY_SLICE => {
                    let (start, sequence) = self.begin_slice(unit)?;
                    if start.is_redundant {
                        continue;
                    }
                    // One frame, each slice once: otherwise a small unit could ask for any amount of work.
                    let is_next = match last {
                        None => start.first_macroblock == 0,
                        Some(last) => start.first_macroblock > last,
                    };
                    if !is_next {
                        return Err(DecodeError::Damaged("its slices are out of order".to_owned()));
                    }
                    if last.is_some() && Instant::now() > deadline {
                        let detail = "decoding the frame takes too long";
                        return Err(DecodeError::OverLimit(detail.to_owned()));
                    }
                    let is_first = last.is_none();
                    last = Some(start.first_macroblock);
                    if let Some(found) = self.decode_slice(unit, &sequence, is_first)? {
                        image = Some(found);
                    }
                }
                _ => {}
            }
        }
        image.ok_or_else(|| DecodeError::Damaged("it holds no whole frame".to_owned()))
    }

    /// Reads how a slice begins, and finds the sequence that it belongs to.
    fn begin_slice(&self, unit: &[u8]) -> Result<(SliceStart, Sequence), DecodeError> {
        slice_header::read(unit, |id| {
            let frame_set = self.frame_sets.get(&id)?;
            let sequence = self.sequences.get(&frame_set.sequence)?;
            let syntax = Syntax {
                frame_number_bits: sequence.frame_number_bits,
                frames_only: sequence.frames_only,
                order: sequence.order,
                has_bottom_field_order: frame_set.has_bottom_field_order,
                has_redundant_slices: frame_set.has_redundant_slices,
            };
            Some((syntax, *sequence))
        })
    }

    fn decode_slice(
        &mut self,
        unit: &[u8],
        sequence: &Sequence,
        is_first: bool,
    ) -> Result<Option<YuvImage>, DecodeError> {
        let stream = with_start_code(unit);
        let mut decoded = self.core.decode(&stream);
        if decoded.is_err() && is_first && mem::take(&mut self.has_failed) {
            // The first slice after a failed frame meets what is left of that one, which goes with the error.
            decoded = self.core.decode(&stream);
        }
        let Some(frame) = decoded.map_err(decode_error)? else { return Ok(None) };
        let mut image = YuvImage {
            width: frame.width,
            height: frame.height,
            y: frame.y,
            u: frame.u,
            v: frame.v,
            range: sequence.range,
            matrix: ColourMatrix::from_code(sequence.matrix, frame.height),
            orientation: Orientation::Upright,
        };
        cut(&mut image, sequence.crop);
        if image.is_complete() {
            Ok(Some(image))
        } else {
            Err(DecodeError::Damaged("its planes are incomplete".to_owned()))
        }
    }

    fn take_parameters(&mut self, unit: &[u8]) -> Result<(), DecodeError> {
        let Some((&header, payload)) = unit.split_first() else { return Ok(()) };
        if payload.len() > MOST_PARAMETER_BYTES {
            return Err(DecodeError::Damaged("a parameter set is too long".to_owned()));
        }
        let payload = unescape(payload, MOST_PARAMETER_BYTES);
        let kind = header & 31;
        let number = match kind {
            SEQUENCE => {
                let set = Sps::parse(&payload).map_err(decode_error)?;
                self.check(&set)?;
                let (range, matrix) = colour::of_parameter_set(unit);
                self.sequences.insert(set.seq_parameter_set_id, Sequence::of(&set, range, matrix));
                set.seq_parameter_set_id
            }
            FRAME_SET => {
                let set = Pps::parse(&payload).map_err(decode_error)?;
                check_frame_set(&set)?;
                let frame_set = FrameSet {
                    sequence: set.seq_parameter_set_id,
                    has_bottom_field_order: set.bottom_field_pic_order_present,
                    has_redundant_slices: set.redundant_pic_cnt_present_flag,
                };
                self.frame_sets.insert(set.pic_parameter_set_id, frame_set);
                set.pic_parameter_set_id
            }
            _ => return Ok(()),
        };
        self.core.decode(&with_start_code(unit)).map_err(decode_error)?;
        self.parameter_sets.insert((kind, number), unit.to_vec());
        Ok(())
    }

    fn check(&self, set: &Sps) -> Result<(), DecodeError> {
        let pixels = set.coded_width() as u64 * set.coded_height() as u64;
        let limit = self.limits.pixels;
        if pixels > limit {
            let detail = format!("frames of {pixels} pixels exceed the limit ({limit} pixels)");
            return Err(DecodeError::OverLimit(detail));
        }
        // As many as any level allows, and as many numbers as there are.
        if set.max_num_ref_frames > 16 || set.seq_parameter_set_id > 31 {
            return Err(DecodeError::Damaged(
                "its sequence parameters are out of range".to_owned(),
            ));
        }
        Ok(())
    }
}

fn check_frame_set(set: &Pps) -> Result<(), DecodeError> {
    let most = set.num_ref_idx_l0_default.max(set.num_ref_idx_l1_default);
    if most > 32 || set.pic_parameter_set_id > 255 || set.seq_parameter_set_id > 31 {
        return Err(DecodeError::Damaged("its frame parameters are out of range".to_owned()));
    }
    if set.weighted_bipred_idc == 1 {
        let detail = "explicit weighted prediction of B frames";
        return Err(DecodeError::Unsupported(detail.to_owned()));
    }
    Ok(())
}

impl Sequence {
    fn of(set: &Sps, range: ColourRange, matrix: Option<u8>) -> Self {
        let order = match set.pic_order_cnt_type {
            0 => Order::Counted(set.log2_max_pic_order_cnt_lsb),
            1 if !set.delta_pic_order_always_zero => Order::Differences,
            _ => Order::Implied,
        };
        Self {
            frame_number_bits: set.log2_max_frame_num,
            frames_only: set.frame_mbs_only,
            order,
            range,
            matrix,
            crop: (
                2 * set.frame_crop_left as usize,
                set.crop_unit_y() * set.frame_crop_top as usize,
            ),
        }
    }
}

fn with_start_code(unit: &[u8]) -> Vec<u8> {
    [&[0, 0, 1][..], unit].concat()
}

fn decode_error(error: CoreError) -> DecodeError {
    match error {
        CoreError::Unsupported(what) => DecodeError::Unsupported(what.to_owned()),
        error => DecodeError::Damaged(error.to_string()),
    }
}

/// Cuts columns at the left and rows at the top, both even.
fn cut(image: &mut YuvImage, (left, top): (usize, usize)) {
    if (left, top) == (0, 0) || left >= image.width || top >= image.height {
        return;
    }
    let (width, height) = (image.width - left, image.height - top);
    let chroma = image.chroma_size();
    let plane = |plane: &[u8], width: usize, left: usize, top: usize| -> Vec<u8> {
        plane.chunks_exact(width).skip(top).flat_map(|row| &row[left..]).copied().collect()
    };
    image.y = plane(&image.y, image.width, left, top);
    image.u = plane(&image.u, chroma.0, left / 2, top / 2);
    image.v = plane(&image.v, chroma.0, left / 2, top / 2);
    (image.width, image.height) = (width, height);
}
