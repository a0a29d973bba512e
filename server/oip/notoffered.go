package oip

import (
	"context"

	"siamese/proto/inference"
	"siamese/server/internal/fault"
)

// What callers are told of calls that are not offered.
const (
	noSharedMemory = "tensors come and go in messages: there is no shared memory to register"
	noTraces       = "traces are set at the server's start: siamese serve --otlp-endpoint"
	noLogs         = "the log is set at the server's start: siamese serve --log-level and --log-format"
)

type (
	notOfferedRequest  = inference.NotOfferedRequest
	notOfferedResponse = inference.NotOfferedResponse
)

// SystemSharedMemoryStatus is not offered.
func (s *Service) SystemSharedMemoryStatus(context.Context, *notOfferedRequest) (*notOfferedResponse, error) {
	return nil, fault.NotOffered(noSharedMemory)
}

// SystemSharedMemoryRegister is not offered.
func (s *Service) SystemSharedMemoryRegister(context.Context, *notOfferedRequest) (*notOfferedResponse, error) {
	return nil, fault.NotOffered(noSharedMemory)
}

// SystemSharedMemoryUnregister is not offered.
func (s *Service) SystemSharedMemoryUnregister(context.Context, *notOfferedRequest) (*notOfferedResponse, error) {
	return nil, fault.NotOffered(noSharedMemory)
}

// CudaSharedMemoryStatus is not offered.
func (s *Service) CudaSharedMemoryStatus(context.Context, *notOfferedRequest) (*notOfferedResponse, error) {
	return nil, fault.NotOffered(noSharedMemory)
}

// CudaSharedMemoryRegister is not offered.
func (s *Service) CudaSharedMemoryRegister(context.Context, *notOfferedRequest) (*notOfferedResponse, error) {
	return nil, fault.NotOffered(noSharedMemory)
}

// CudaSharedMemoryUnregister is not offered.
func (s *Service) CudaSharedMemoryUnregister(context.Context, *notOfferedRequest) (*notOfferedResponse, error) {
	return nil, fault.NotOffered(noSharedMemory)
}

// TraceSetting is not offered.
func (s *Service) TraceSetting(context.Context, *notOfferedRequest) (*notOfferedResponse, error) {
	return nil, fault.NotOffered(noTraces)
}

// LogSettings is not offered.
func (s *Service) LogSettings(context.Context, *notOfferedRequest) (*notOfferedResponse, error) {
	return nil, fault.NotOffered(noLogs)
}
