// How a GPU multiplies numbers of float32.

// tf_set_tensor_float_32 allows (1) or forbids (0) TensorFloat-32; 0 if the
// switch was not found.
int tf_set_tensor_float_32(int allow);
