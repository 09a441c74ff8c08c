// Judges objects as GitOps tools do: reads a JSON array of objects, writes a JSON array of judgements.
//
//	health <health.lua> < objects.json
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	flux "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apijson "k8s.io/apimachinery/pkg/util/json"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// luaTimeout is Argo CD's own: a script that takes longer is ended.
const luaTimeout = time.Second

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type judgement struct {
	Kstatus verdict `json:"kstatus"` // sigs.k8s.io/cli-utils
	Flux    verdict `json:"flux"`    // Flux's fork of it, which Helm 4 waits with, too
	Argo    verdict `json:"argo"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "health:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("usage: health <health.lua> < objects.json")
	}
	script, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var objects []any
	if err := apijson.Unmarshal(text, &objects); err != nil {
		return err
	}
	judgements := make([]judgement, 0, len(objects))
	for _, item := range objects {
		object, ok := item.(map[string]any)
		if !ok {
			return errors.New("an item is no object")
		}
		one, err := judge(&unstructured.Unstructured{Object: object}, string(script))
		if err != nil {
			return err
		}
		judgements = append(judgements, one)
	}
	return json.NewEncoder(os.Stdout).Encode(judgements)
}

func judge(object *unstructured.Unstructured, script string) (judgement, error) {
	original, err := kstatus.Compute(object)
	if err != nil {
		return judgement{}, err
	}
	forked, err := flux.Compute(object)
	if err != nil {
		return judgement{}, err
	}
	argo, err := argoHealth(object, script)
	if err != nil {
		return judgement{}, err
	}
	return judgement{
		Kstatus: verdict{string(original.Status), original.Message},
		Flux:    verdict{string(forked.Status), forked.Message},
		Argo:    argo,
	}, nil
}

// argoHealth is GetResourceHealth of Argo CD's gitops-engine and ExecuteHealthLua of its util/lua: what is being
// deleted is Progressing whatever a script says, and a script has the base, table and package libraries alone.
func argoHealth(object *unstructured.Unstructured, script string) (verdict, error) {
	if object.GetDeletionTimestamp() != nil {
		return verdict{"Progressing", "Pending deletion"}, nil
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	libraries := []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
	}
	for _, library := range libraries {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(library.open), Protect: true}, lua.LString(library.name)); err != nil {
			return verdict{}, err
		}
	}
	deadline, cancel := context.WithTimeout(context.Background(), luaTimeout)
	defer cancel()
	state.SetContext(deadline)
	state.SetGlobal("obj", luaValue(state, object.Object))
	if err := state.DoString(script); err != nil {
		return verdict{}, err
	}
	answer, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return verdict{}, errors.New("the script returned no table")
	}
	return verdict{answer.RawGetString("status").String(), answer.RawGetString("message").String()}, nil
}

// luaValue is decodeValue of Argo CD's util/lua.
func luaValue(state *lua.LState, value any) lua.LValue {
	switch typed := value.(type) {
	case bool:
		return lua.LBool(typed)
	case float64:
		return lua.LNumber(typed)
	case int64:
		return lua.LNumber(typed)
	case string:
		return lua.LString(typed)
	case []any:
		table := state.CreateTable(len(typed), 0)
		for _, item := range typed {
			table.Append(luaValue(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(typed))
		for key, item := range typed {
			table.RawSetH(lua.LString(key), luaValue(state, item))
		}
		return table
	}
	return lua.LNil
}
