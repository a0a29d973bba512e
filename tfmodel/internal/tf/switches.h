// Switches of TensorFlow that its C API lacks: functions of C++, found by name.

// tf_quiet raises the level of TensorFlow's logger to errors, with a library for
// CUDA and no driver above them; 0 if the logger was not found.
int tf_quiet(void);

// tf_set_tensor_float_32 allows (1) or forbids (0) TensorFloat-32 in a GPU's
// products of float32; 0 if the switch was not found.
int tf_set_tensor_float_32(int allow);
