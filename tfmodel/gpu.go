package tfmodel

import "siamese/tfmodel/internal/tf"

// GPU is what the driver says of a GPU.
type GPU = tf.GPU

// GPULibrary is one of CUDA's libraries that this process has loaded.
type GPULibrary = tf.GPULibrary

// ReadGPU asks the driver about a GPU by its number, from 0, as the driver counts
// them. False means that there is no driver or no such GPU. Safe for concurrent
// use.
func ReadGPU(number int) (GPU, bool) { return tf.ReadGPU(number) }

// GPULibraries lists CUDA's libraries with their versions, as far as they are
// loaded: once a model or trainer runs on a GPU, or Devices has found one.
func GPULibraries() []GPULibrary { return tf.GPULibraries() }
