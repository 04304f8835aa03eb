//! Reading an ONNX file into a graph.
