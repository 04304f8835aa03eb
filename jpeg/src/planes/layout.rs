//! How large everything is, computed before anything is allocated.

use crate::headers::{ColourSpace, Frame};
use crate::{Format, Options, Scale};

/// Bytes at the end of a row that kernels may read or write without meaning.
pub(crate) const SLACK: usize = 32;

/// The geometry of an image at a scale.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Pixels across and down.
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) format: Format,
    pub(crate) colour_space: ColourSpace,
    /// MCUs across and down, if all components are in a scan.
    pub(crate) mcus: (usize, usize),
    /// Rows of pixels that a row of MCUs becomes.
    pub(crate) mcu_height: usize,
    /// Whether rows of pixels depend on the rows of samples above and below their own.
    pub(crate) has_context: bool,
    pub(crate) planes: Vec<Plane>,
    /// Bytes of an upsampled row.
    pub(crate) row: usize,
    /// Bytes of the samples of all planes, for a row of MCUs.
    pub(crate) samples: usize,
}

/// A component at a scale.
#[derive(Debug, Clone)]
pub(crate) struct Plane {
    /// Whether pixels are made of it.
    pub(crate) is_needed: bool,
    /// Blocks of an MCU across and down.
    pub(crate) h: usize,
    pub(crate) v: usize,
    /// Blocks across and down, whole MCUs.
    pub(crate) blocks: (usize, usize),
    /// Blocks across and down of a scan of its own.
    pub(crate) own_blocks: (usize, usize),
    /// Samples that a block becomes, across and down: 1, 2, 4 or 8.
    pub(crate) dct: usize,
    /// Samples across and down that the image has.
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// A number of samples and the number of pixels that they stand for, across and down.
    pub(crate) ratio: [(usize, usize); 2],
    pub(crate) upsampling: Upsampling,
    /// Where its first row begins among the samples, and bytes from row to row. That row is the last of the row of
    /// MCUs before.
    pub(crate) offset: usize,
    pub(crate) stride: usize,
}

/// How samples become as many as there are pixels: what libjpeg does (`jdsample.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upsampling {
    /// There are as many.
    None,
    /// Twice as many across, by a triangle filter.
    Across,
    /// Twice as many down.
    Down,
    /// Both.
    Both,
    /// By repetition.
    Repeat,
}

impl Plane {
    /// Rows of samples that a row of MCUs becomes.
    pub(crate) fn rows(&self) -> usize {
        self.v * self.dct
    }

    /// Where a block begins among the samples: `x` across the image, `y` down its row of MCUs.
    #[inline(always)]
    pub(crate) fn block_offset(&self, x: usize, y: usize) -> usize {
        self.offset + (1 + y * self.dct) * self.stride + x * self.dct
    }
}

impl Layout {
    pub(crate) fn new(frame: &Frame, colour_space: ColourSpace, options: &Options) -> Self {
        let (max_h, max_v) = frame.max_factors();
        let least = options.scale.eighths();
        let luma_suffices = options.format == Format::Luma
            && matches!(colour_space, ColourSpace::Grey | ColourSpace::YCbCr);
        let mcus = frame.mcus();
        let mut offset = 0;
        let mut planes = Vec::with_capacity(frame.components.len());
        for (index, component) in frame.components.iter().enumerate() {
            let dct = dct_size(least, (component.h, max_h), (component.v, max_v));
            let samples =
                |side: usize, factor: usize, max: usize| (side * factor * dct).div_ceil(max * 8);
            let width = samples(frame.width, component.h, max_h);
            let ratio = [(component.h * dct / least, max_h), (component.v * dct / least, max_v)];
            let blocks = (mcus.0 * component.h, mcus.1 * component.v);
            let stride = (blocks.0 * dct).next_multiple_of(SLACK) + SLACK;
            let plane = Plane {
                is_needed: index == 0 || !luma_suffices,
                h: component.h,
                v: component.v,
                blocks,
                own_blocks: frame.own_blocks(component),
                dct,
                width,
                height: samples(frame.height, component.v, max_v),
                ratio,
                upsampling: upsampling(ratio, width, options.scale),
                offset,
                stride,
            };
            if plane.is_needed {
                offset += (1 + plane.rows()) * stride;
            }
            planes.push(plane);
        }
        let (width, height) =
            (options.scale.length(frame.width), options.scale.length(frame.height));
        // A row that is filtered becomes two pixels of each sample, the last of which may be too many.
        let row = (width + 1).next_multiple_of(SLACK) + SLACK;
        let is_vertical = |plane: &Plane| {
            plane.is_needed && matches!(plane.upsampling, Upsampling::Down | Upsampling::Both)
        };
        Self {
            width,
            height,
            format: options.format,
            colour_space,
            mcus,
            mcu_height: max_v * least,
            has_context: planes.iter().any(is_vertical),
            row,
            samples: offset,
            planes,
        }
    }

    /// Rows of pixels of a row of MCUs that cannot be made before the next row of MCUs is there.
    #[inline(always)]
    pub(crate) fn lag(&self) -> usize {
        usize::from(self.has_context)
    }

    /// Bytes of the result.
    pub(crate) fn bytes(&self) -> usize {
        self.width * self.height * self.format.bytes()
    }

    /// Bytes that decoding allocates, apart from the data of an interval and tables.
    pub(crate) fn memory(&self, keeps_coefficients: bool) -> usize {
        let blocks: usize = self.planes.iter().map(|plane| plane.blocks.0 * plane.blocks.1).sum();
        let coefficients = if keeps_coefficients { blocks * size_of::<[i16; 64]>() } else { 0 };
        self.bytes() + self.samples + self.row * self.planes.len() + coefficients
    }
}

/// Samples that a block of a component becomes. What has fewer samples than the image has pixels is scaled down
/// less, rather than upsampled (`jdmaster.c`).
fn dct_size(least: usize, (h, max_h): (usize, usize), (v, max_v): (usize, usize)) -> usize {
    let mut size = least;
    while size < 8
        && (max_h * least).is_multiple_of(h * size * 2)
        && (max_v * least).is_multiple_of(v * size * 2)
    {
        size *= 2;
    }
    size
}

fn upsampling(
    [(h, max_h), (v, max_v)]: [(usize, usize); 2],
    width: usize,
    scale: Scale,
) -> Upsampling {
    // Where a block is one pixel, libjpeg repeats; and where there is nothing to filter.
    let filters = scale != Scale::Eighth;
    let filters_across = filters && width > 2;
    match (h == max_h, h * 2 == max_h, v == max_v, v * 2 == max_v) {
        (true, _, true, _) => Upsampling::None,
        (_, true, true, _) if filters_across => Upsampling::Across,
        (true, _, _, true) if filters => Upsampling::Down,
        (_, true, _, true) if filters_across => Upsampling::Both,
        _ => Upsampling::Repeat,
    }
}
