package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// run is one image on its way through an instance. The functions that the decoder
// calls find it in their context.
type run struct {
	goOn func() error
	ends time.Time
	err  error // what ended the run from outside or was said by the decoder
}

// maxTime bounds one image, though nobody told it to end: the dearest that passes
// imaging's limits takes a part of it, and a decoder may have been led astray.
const maxTime = 2 * time.Minute

type runKey struct{}

func runOf(ctx context.Context) *run { return ctx.Value(runKey{}).(*run) }

// errEnded unwinds an instance whose run has ended with an error; it is seen nowhere.
var errEnded = errors.New("ended")

// ask asks whether to go on. While an instance runs between two questions the
// goroutine can't be stopped, not for the collector either, so decoders ask often.
func (r *run) ask() error {
	switch {
	case r.err != nil:
	case time.Now().After(r.ends):
		r.err = fmt.Errorf("the decoder was not done after %v", maxTime)
	case r.goOn != nil:
		r.err = r.goOn()
	}
	return r.err
}

// end ends the instance that calls. wazero turns a panic of the host's function into
// the error of the call, and there is no other way out of it.
func (r *run) end(err error) {
	r.err = err
	panic(errEnded) //nolint:forbidigo // wazero recovers it: the call of the instance returns an error
}

// Names of what the decoders import.
const (
	hostModule   = "host"
	systemModule = "wasi_snapshot_preview1"
	notThere     = 52 // ENOSYS of WASI
)

// offer gives the module the functions that it imports: "ask" and "fail" of the host
// (scripts/sandbox/sandbox.h), and of WASI, which stands for an operating system, that
// the program may end itself. All others of WASI answer that there is no such call.
func (p *program) offer(ctx context.Context) error {
	builders := map[string][]api.FunctionDefinition{}
	for _, imported := range p.compiled.ImportedFunctions() {
		module, _, _ := imported.Import()
		builders[module] = append(builders[module], imported)
	}
	for module, functions := range builders {
		builder := p.runtime.NewHostModuleBuilder(module)
		for _, f := range functions {
			_, name, _ := f.Import()
			do := hostFunction(module, name, f)
			if do == nil {
				return fmt.Errorf("it imports %s.%s, which is not known", module, name)
			}
			builder = builder.NewFunctionBuilder().WithGoModuleFunction(do, f.ParamTypes(), f.ResultTypes()).Export(name)
		}
		if _, err := builder.Instantiate(ctx); err != nil {
			return err
		}
	}
	return nil
}

func hostFunction(module, name string, f api.FunctionDefinition) api.GoModuleFunc {
	switch {
	case module == hostModule && name == "ask" && len(f.ParamTypes()) == 0:
		return func(ctx context.Context, _ api.Module, _ []uint64) {
			if r := runOf(ctx); r.ask() != nil {
				r.end(r.err)
			}
		}
	case module == hostModule && name == "fail" && len(f.ParamTypes()) == 2:
		return fail
	case module == systemModule && name == "proc_exit":
		return func(ctx context.Context, _ api.Module, _ []uint64) {
			runOf(ctx).end(errGaveUp)
		}
	case module == systemModule && slices.Equal(f.ResultTypes(), []api.ValueType{api.ValueTypeI32}):
		return func(_ context.Context, _ api.Module, stack []uint64) { stack[0] = notThere }
	}
	return nil
}

// errGaveUp is the error of a decoder that ended without a word: by abort or exit.
var errGaveUp = errors.New("the decoder gave up")

// maxMessage bounds what a decoder may say, in bytes.
const maxMessage = 200

// fail ends the run with the decoder's words, of printable ASCII: they may quote what
// was in the image.
func fail(ctx context.Context, instance api.Module, stack []uint64) {
	text, ok := instance.Memory().Read(uint32(stack[0]), min(uint32(stack[1]), maxMessage))
	if !ok {
		runOf(ctx).end(errGaveUp)
	}
	words := slices.Clone(text)
	for i, c := range words {
		if c < ' ' || c > '~' {
			words[i] = '?'
		}
	}
	runOf(ctx).end(errors.New(string(words)))
}

// waitPeriod is how often a run that waits for a place asks whether to go on.
const waitPeriod = 5 * time.Millisecond

// enter waits for a place for one more instance.
func (m *Module) enter(r *run) error {
	select {
	case m.places <- struct{}{}:
		return nil
	default:
	}
	period := time.NewTicker(waitPeriod)
	defer period.Stop()
	for {
		if err := r.ask(); err != nil {
			return err
		}
		select {
		case m.places <- struct{}{}:
			return nil
		case <-period.C:
		}
	}
}

func (m *Module) leave() { <-m.places }
