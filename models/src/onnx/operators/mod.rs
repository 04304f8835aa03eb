//! ONNX operators, one file per family: each in terms of the graph's own operators.

mod activation;
mod attention;
mod constant;
mod convolution;
mod deformable;
mod einsum;
mod elementwise;
mod functions;
mod fused;
mod fused_attention;
mod groups;
mod indexing;
mod interpolation;
mod layout;
mod masks;
mod matrix;
mod microsoft_quantised;
mod normalisation;
mod pooling;
mod quantisation;
mod quantised;
mod recurrent;
mod reduction;
mod resize;
mod sampling;
mod selection;
mod slicing;
mod statistics;
mod suppression;
mod volume;

use std::collections::HashMap;

use framegate_backend_api::graph::ValueId;
use framegate_onnx_proto::NodeProto;

use super::{
    context::{Import, OnnxNode, Problem},
    control,
    error::{OnnxError, UnsupportedOperators},
    sequences,
};

type Imported = Result<Vec<ValueId>, Problem>;
type Importer = fn(&mut Import, &OnnxNode<'_>) -> Imported;

/// Adds a node to the graph and returns its results.
pub(super) fn import(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let importer =
        importer_in(node.domain, node.operator).ok_or("the operator is not supported")?;
    importer(graph, node)
}

/// The importer of an operator of a domain. Plugins of TensorRT are often written without theirs.
fn importer_in(domain: &str, operator: &str) -> Option<Importer> {
    match domain {
        "com.microsoft" => microsoft(operator),
        "TRT" | "trt.plugins" => tensorrt(operator),
        _ if is_standard(domain) => importer(operator).or_else(|| tensorrt(operator)),
        _ => None,
    }
}

/// The node's own name, or its operator's with its position.
pub(super) fn node_name(node: &NodeProto, index: usize) -> String {
    if node.name.is_empty() { format!("{}_{index}", node.op_type) } else { node.name.clone() }
}

/// Whether a domain is ONNX's own.
pub(super) fn is_standard(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

/// Reports every operator that is not supported, with its nodes.
pub(super) fn check_all_supported<'a>(
    nodes: impl Iterator<Item = &'a NodeProto>,
) -> Result<(), OnnxError> {
    let mut operators: Vec<(String, Vec<String>)> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    for (index, node) in nodes.enumerate() {
        let standard = is_standard(&node.domain);
        let is_structural = control::is_known(&node.op_type) || sequences::is_known(&node.op_type);
        if (standard && is_structural) || importer_in(&node.domain, &node.op_type).is_some() {
            continue;
        }
        let operator = match standard {
            true => node.op_type.clone(),
            false => format!("{}::{}", node.domain, node.op_type),
        };
        let name = node_name(node, index);
        let position = *positions.entry(operator.clone()).or_insert_with(|| {
            operators.push((operator, Vec::new()));
            operators.len() - 1
        });
        operators[position].1.push(name);
    }
    if operators.is_empty() {
        return Ok(());
    }
    Err(OnnxError::UnsupportedOperators(UnsupportedOperators { operators }))
}

fn importer(operator: &str) -> Option<Importer> {
    Some(match operator {
        "Conv" => convolution::conv,
        "QuantizeLinear" => quantisation::quantize,
        "DequantizeLinear" => quantisation::dequantize,
        "DynamicQuantizeLinear" => quantisation::dynamic_quantize,
        "QLinearConv" => quantised::qlinear_conv,
        "ConvInteger" => quantised::conv_integer,
        "QLinearMatMul" => quantised::qlinear_mat_mul,
        "MatMulInteger" => quantised::mat_mul_integer,
        "ConvTranspose" => convolution::conv_transpose,
        "MaxPool" => pooling::max_pool,
        "AveragePool" => pooling::average_pool,
        "GlobalAveragePool" => pooling::global_average_pool,
        "GlobalMaxPool" => pooling::global_max_pool,
        "Resize" => resize::resize,
        "Upsample" => resize::upsample,
        "DeformConv" => deformable::deform_conv,
        "LSTM" | "GRU" | "RNN" => recurrent::recurrent,
        "RoiAlign" => sampling::roi_align,
        "GridSample" => sampling::grid_sample,
        "AffineGrid" => sampling::affine_grid,
        "Col2Im" => sampling::col_to_im,
        "BatchNormalization" => normalisation::batch_normalization,
        "InstanceNormalization" => normalisation::instance_normalization,
        "GroupNormalization" => statistics::group_normalization,
        "RMSNormalization" | "SimplifiedLayerNormalization" => statistics::rms_normalization,
        "MeanVarianceNormalization" => statistics::mean_variance,
        "LpNormalization" => statistics::lp_normalization,
        "LRN" => statistics::local_response,
        "LayerNormalization" => normalisation::layer_normalization,
        "Relu" | "LeakyRelu" | "Sigmoid" | "HardSigmoid" | "HardSwish" | "Tanh" | "Gelu"
        | "Elu" | "Softplus" | "Mish" => activation::activation,
        "Selu" | "Celu" | "ThresholdedRelu" | "Softsign" | "Shrink" | "Swish" => {
            functions::activation
        }
        "Tan" | "Asin" | "Acos" | "Sinh" | "Cosh" | "Asinh" | "Acosh" | "Atanh" => {
            functions::trigonometry
        }
        "IsNaN" => functions::is_nan,
        "IsInf" => functions::is_inf,
        "Clip" => activation::clip,
        "PRelu" => activation::prelu,
        "Abs" | "Neg" | "Sign" | "Exp" | "Log" | "Sqrt" | "Reciprocal" | "Floor" | "Ceil"
        | "Round" | "Sin" | "Cos" | "Atan" | "Erf" | "Not" => elementwise::unary,
        "Add" | "Sub" | "Mul" | "Div" | "Mod" | "Equal" | "Less" | "LessOrEqual" | "Greater"
        | "GreaterOrEqual" | "And" | "Or" | "Xor" => elementwise::binary,
        "Pow" => elementwise::pow,
        "Max" | "Min" | "Sum" | "Mean" => elementwise::variadic,
        "Where" => elementwise::select,
        "Cast" => elementwise::cast,
        "CastLike" => elementwise::cast_like,
        "MatMul" => matrix::mat_mul,
        "Gemm" => matrix::gemm,
        "Einsum" => einsum::einsum,
        "Attention" => attention::attention,
        "Softmax" | "LogSoftmax" => reduction::softmax,
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1"
        | "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => reduction::reduce,
        "CumSum" => reduction::cumulative_sum,
        "ArgMax" | "ArgMin" => selection::arg_extremum,
        "TopK" => selection::top_k,
        "Trilu" => masks::trilu,
        "EyeLike" => masks::eye_like,
        "OneHot" => masks::one_hot,
        "Hardmax" => masks::hardmax,
        "NonZero" => masks::non_zero,
        "NonMaxSuppression" => suppression::non_max_suppression,
        "Compress" => masks::compress,
        "Gather" => selection::gather,
        "GatherElements" => selection::gather_elements,
        "GatherND" => indexing::gather_nd,
        "ScatterND" => indexing::scatter_nd,
        "ScatterElements" | "Scatter" => indexing::scatter_elements,
        "Concat" => slicing::concat,
        "Split" => slicing::split,
        "Slice" => slicing::slice,
        "Pad" => slicing::pad,
        "Tile" => slicing::tile,
        "ReverseSequence" => slicing::reverse_sequence,
        "Reshape" => layout::reshape,
        "Flatten" => layout::flatten,
        "Squeeze" => layout::squeeze,
        "Unsqueeze" => layout::unsqueeze,
        "Transpose" => layout::transpose,
        "Expand" => layout::expand,
        "DepthToSpace" => layout::depth_to_space,
        "SpaceToDepth" => layout::space_to_depth,
        "Identity" => constant::identity,
        "Dropout" => constant::dropout,
        "Constant" => constant::constant,
        "ConstantOfShape" => constant::constant_of_shape,
        "Shape" => constant::shape,
        "Size" => constant::size,
        "Range" => constant::range,
        _ => return None,
    })
}

/// Operators of ONNX Runtime's own domain that its tools write.
fn microsoft(operator: &str) -> Option<Importer> {
    Some(match operator {
        "FusedConv" | "NhwcFusedConv" => fused::conv,
        "FusedMatMul" | "TransposeMatMul" => fused::mat_mul,
        "FusedGemm" => fused::gemm,
        "NhwcMaxPool" => fused::max_pool,
        "SkipLayerNormalization" | "SkipSimplifiedLayerNormalization" => fused::skip_normalization,
        "Attention" | "QAttention" => fused_attention::attention,
        "MultiHeadAttention" => fused_attention::multi_head,
        "QLinearAdd" | "QLinearMul" => microsoft_quantised::qlinear_binary,
        "QLinearSigmoid"
        | "QLinearLeakyRelu"
        | "QLinearSoftmax"
        | "QLinearGlobalAveragePool"
        | "QLinearAveragePool"
        | "QLinearReduceMean" => microsoft_quantised::qlinear_unary,
        "QLinearConcat" => microsoft_quantised::qlinear_concat,
        "QLinearWhere" => microsoft_quantised::qlinear_where,
        "QGemm" => microsoft_quantised::gemm,
        "MatMulIntegerToFloat" => microsoft_quantised::mat_mul_integer_to_float,
        "DynamicQuantizeMatMul" => microsoft_quantised::dynamic_mat_mul,
        "DynamicQuantizeLSTM" => microsoft_quantised::dynamic_lstm,
        "MatMulNBits" => microsoft_quantised::mat_mul_of_few_bits,
        "QuickGelu" | "FastGelu" | "BiasGelu" => functions::activation,
        "SimplifiedLayerNormalization" => statistics::rms_normalization,
        // The same as the standard's.
        "QuantizeLinear" | "DequantizeLinear" | "Gelu" | "QLinearConv" | "LayerNormalization"
        | "GridSample" | "Trilu" => importer(operator)?,
        _ => return None,
    })
}

/// Operators that exporters write for TensorRT's plugins.
fn tensorrt(operator: &str) -> Option<Importer> {
    Some(match operator {
        "EfficientNMS_TRT" | "EfficientIdxNMS_TRT" => suppression::efficient_nms,
        "BatchedNMS_TRT" | "BatchedNMSDynamic_TRT" => suppression::batched_nms,
        _ => return None,
    })
}
