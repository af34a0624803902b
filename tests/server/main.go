// A Temporal server of its own for one test session: in memory, without a UI, ended by its parent.
//
// It prints the address it serves, registers the namespace "default" and serves until its standard
// input ends, so that it cannot outlive the tests that started it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/temporal"
	"go.temporal.io/server/temporaltest"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	settings := dynamicconfig.StaticClient{}
	for key, value := range map[string]any{
		// As the dev server of Temporal's CLI has them: what is declared can be used at once.
		"system.forceSearchAttributesCacheRefreshOnRead": true,
		"system.forceNexusEndpointRefreshOnRead":         true,
		"frontend.persistenceMaxQPS":                     10000,
		"history.persistenceMaxQPS":                      45000,
		"frontend.namespaceRPS.visibility":               100,
		// Refused within a second, unless told; we never refuse.
		"history.workflowIdReuseMinimalInterval": 0,
		// Off unless told; workers ask for it, and we do it.
		"system.enableActivityEagerExecution": true,
		// Off unless told, and on in the dev server of Temporal's CLI.
		"history.enableStandaloneActivityOperatorCommands": true,
	} {
		settings[dynamicconfig.MakeKey(key)] = value
	}
	server := temporaltest.NewServer(temporaltest.WithBaseServerOptions(
		temporal.WithDynamicConfigClient(settings),
	))
	defer server.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	request := &workflowservice.RegisterNamespaceRequest{
		Namespace:                        "default",
		WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	}
	_, err := server.GetDefaultClient().WorkflowService().RegisterNamespace(ctx, request)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.GetFrontendHostPort())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
