package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// clocksApart is how far clocks can be off.
const clocksApart = 5 * time.Second

// startApart starts a command whose clock is ahead by so many whole seconds, or behind. The kernel gives every process the code
// that reads the clock (the vDSO); the command gets another, before it has begun. Durations are not changed.
func startApart(c *exec.Cmd, ahead time.Duration) error {
	runtime.LockOSThread() // who traces is a thread
	defer runtime.UnlockOSThread()
	c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := c.Start(); err != nil {
		return err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(c.Process.Pid, &status, 0, nil); err != nil {
		return fmt.Errorf("process %d does not stop to be changed: %w", c.Process.Pid, err)
	}
	if !status.Stopped() {
		return fmt.Errorf("process %d does not stop to be changed, its status is %x", c.Process.Pid, status)
	}
	if err := changeClock(c.Process.Pid, int32(ahead/time.Second)); err != nil {
		return fmt.Errorf("clock of process %d: %w", c.Process.Pid, err)
	}
	return syscall.PtraceDetach(c.Process.Pid)
}

// ehdr is the kind of the auxiliary vector's entry with the vDSO's address.
const ehdr = 33

func changeClock(pid int, ahead int32) error {
	vector, err := os.ReadFile(fmt.Sprintf("/proc/%d/auxv", pid))
	if err != nil {
		return err
	}
	for entry := range slices.Chunk(vector, 16) {
		if binary.LittleEndian.Uint64(entry) != ehdr {
			continue
		}
		base := uintptr(binary.LittleEndian.Uint64(entry[8:]))
		at, err := clockIn(pid, base)
		if err == nil {
			_, err = syscall.PtracePokeText(pid, at, shifted(ahead))
		}
		return err
	}
	return errors.New("no vDSO")
}

// clockIn returns where the vDSO at base has its function.
func clockIn(pid int, base uintptr) (uintptr, error) {
	image := make([]byte, 8*os.Getpagesize())
	n, err := syscall.PtracePeekText(pid, base, image)
	if n == 0 {
		return 0, err
	}
	library, err := elf.NewFile(bytes.NewReader(image[:n]))
	if err != nil {
		return 0, err
	}
	symbols, err := library.DynamicSymbols()
	if err != nil {
		return 0, err
	}
	for _, s := range symbols {
		if s.Name == "__vdso_clock_gettime" {
			return base + uintptr(s.Value), nil
		}
	}
	return 0, errors.New("the vDSO has no clock")
}

// shifted is clock_gettime(clock, at): it asks the kernel, and adds seconds if the clock is that of the wall (0).
func shifted(seconds int32) []byte {
	code := []byte{
		0xb8, 228, 0, 0, 0, // mov eax, SYS_clock_gettime
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi
		0x75, 7, // jnz past the next
		0x48, 0x81, 0x06, // add qword [rsi], seconds
	}
	return append(binary.LittleEndian.AppendUint32(code, uint32(seconds)), 0xc3) // ret
}
