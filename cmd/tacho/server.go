package main

import (
	"context"
	"fmt"
)

func runServer(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "server", "keep what agents send, and show it.",
		"  tacho server\n  tacho server --listen 0.0.0.0:7700 --allow-host tacho.example --retention 336h\n")
	var k keeperFlags
	k.add(f)
	var data string
	f.StringVar(&data, "data", defaultData(), "keep state in `DIR`")
	if done, err := f.parse(args); done || err != nil {
		return err
	}
	log, err := f.logger()
	if err != nil {
		return err
	}
	if err := makeData(data); err != nil {
		return err
	}
	x, err := openKeeper(&k, data, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "Tacho keeps its data in %s and shows it on %s\n", data, x.url())
	return x.run(ctx)
}
