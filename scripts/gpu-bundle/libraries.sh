# What: which of CUDA's libraries go with the program, and how TensorFlow's is reduced:
#       shared by the GPU bundle and the releases. Sourced, from the repository's root.
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by those that source it

# Cards that TensorFlow keeps code for where nothing else is said: 7.0 (Volta) and newer.
tensorflow_cards_70up="70 72 75 80 86 87 89 90 100 101 103 120 121"

# The libraries whose functions run, and what they open themselves: cuDNN's own parts
# (but for those of recurrent networks and attention), the compiler for its engines.
cuda_libraries=(
  cublas/lib/libcublas.so.12
  cublas/lib/libcublasLt.so.12
  cudnn/lib/libcudnn.so.9
  cudnn/lib/libcudnn_cnn.so.9
  cudnn/lib/libcudnn_engines_precompiled.so.9
  cudnn/lib/libcudnn_engines_runtime_compiled.so.9
  cudnn/lib/libcudnn_engines_tensor_ir.so.9
  cudnn/lib/libcudnn_graph.so.9
  cudnn/lib/libcudnn_heuristic.so.9
  cudnn/lib/libcudnn_ops.so.9
  cuda_nvrtc/lib/libnvrtc.so.12
  cuda_nvrtc/lib/libnvrtc-builtins.so.12.9
)
# The runtime is small, and the one library of which another major version does not
# do: CUDA 13 lacks functions that TensorFlow calls.
cuda_runtime=cuda_runtime/lib/libcudart.so.12
# TensorFlow takes no GPU unless it can open these, and this program calls nothing of
# them: empty libraries stand in.
cuda_stubs=(cufft/lib/libcufft.so.11 cusolver/lib/libcusolver.so.11 cusparse/lib/libcusparse.so.12)

# make_stub FILE: an empty library of the file's name.
make_stub() {
  mkdir -p "$(dirname "$1")"
  gcc -shared -s -nostdlib -Wl,--build-id=none -x c -Wl,-soname,"$(basename "$1")" -o "$1" /dev/null
}

# reduce COPY CARD...: takes the code for other cards from a copy of a library, and
# checks that nothing else changed.
reduce() {
  local copy=$1
  shift
  [ $# -gt 0 ] || return 0
  cp "$copy" "$copy.original"
  say "${copy##*/}: $(scripts/gpu_fatbins.py "$copy" "$@")"
  scripts/gpu_fatbins.py "$copy" "$@" --against "$copy.original" >/dev/null
  rm "$copy.original"
}
