package js

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/grafana/sobek"
)

// sharedArray is an array that all users read: each element as JSON, which a user gets a copy of.
type sharedArray struct {
	once     sync.Once
	elements []json.RawMessage
	err      error
}

func (u *User) sharedData() map[string]any {
	return map[string]any{"SharedArray": u.newSharedArray}
}

func (u *User) newSharedArray(call sobek.ConstructorCall) *sobek.Object {
	name := call.Argument(0).String()
	create, ok := sobek.AssertFunction(call.Argument(1))
	switch {
	case u.running:
		u.Throw(errors.New("new SharedArray must be called in the init context"))
	case name == "":
		u.Throw(errors.New("empty name provided to SharedArray's constructor"))
	case !ok:
		u.Throw(errors.New("a function is expected as the second argument of SharedArray's constructor"))
	}
	a := u.sharedArray(name)
	a.once.Do(func() { a.elements, a.err = u.elementsOf(create) })
	if a.err != nil {
		u.Throw(a.err)
	}
	return u.VM.NewDynamicArray(&userArray{u: u, elements: a.elements})
}

func (t *Test) sharedArray(name string) *sharedArray {
	t.one.Lock()
	defer t.one.Unlock()
	if t.shared == nil {
		t.shared = map[string]*sharedArray{}
	}
	if t.shared[name] == nil {
		t.shared[name] = &sharedArray{}
	}
	return t.shared[name]
}

func (u *User) elementsOf(create sobek.Callable) ([]json.RawMessage, error) {
	value, err := create(sobek.Undefined())
	if err != nil {
		return nil, err
	}
	array, ok := value.(*sobek.Object)
	if !ok || array.ClassName() != "Array" {
		return nil, errors.New("only arrays can be made into SharedArray")
	}
	elements := make([]json.RawMessage, array.Get("length").ToInteger())
	for i := range elements {
		if elements[i], err = u.stringify(array.Get(fmt.Sprint(i))); err != nil {
			return nil, err
		}
	}
	return elements, nil
}

// userArray is the array as one user sees it.
type userArray struct {
	u        *User
	elements []json.RawMessage
}

// Len implements sobek.DynamicArray.
func (a *userArray) Len() int { return len(a.elements) }

// Get implements sobek.DynamicArray.
func (a *userArray) Get(i int) sobek.Value {
	if i < 0 || i >= len(a.elements) {
		return sobek.Undefined()
	}
	value, err := a.u.Parse(a.elements[i])
	if err != nil {
		a.u.Throw(err)
	}
	if object, ok := value.(*sobek.Object); ok {
		a.u.freeze(object)
	}
	return value
}

// Set implements sobek.DynamicArray.
func (a *userArray) Set(int, sobek.Value) bool {
	panic(a.u.VM.NewTypeError("SharedArray is immutable"))
}

// SetLen implements sobek.DynamicArray.
func (a *userArray) SetLen(int) bool { panic(a.u.VM.NewTypeError("SharedArray is immutable")) }

// freeze makes an object of JSON unchangeable, with all that is in it.
func (u *User) freeze(object *sobek.Object) {
	for _, key := range object.Keys() {
		if inner, ok := object.Get(key).(*sobek.Object); ok {
			u.freeze(inner)
		}
	}
	freeze, _ := sobek.AssertFunction(u.VM.Get("Object").ToObject(u.VM).Get("freeze"))
	if _, err := freeze(sobek.Undefined(), object); err != nil {
		u.Throw(err)
	}
}
