// Keeps TensorFlow's own log off the terminal.

// tf_quiet raises the level of TensorFlow's logger to errors; 0 if it was not
// found.
int tf_quiet(void);
