// go_tasks.go - the operations of task_bench.cpp by goroutines; writes rows as coir_bench does.
// SPDX-License-Identifier: BSL-1.0
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"regexp"
	"runtime"
	"sync"
	"syscall"
)

const crowd = 1000

func spawnGet(times int) {
	for i := 0; i < times; i++ {
		result := make(chan int, 1)
		go func() { result <- 1 }()
		<-result
	}
}

func taskGather(times int) {
	for i := 0; i < times/crowd; i++ {
		results := make([]int, crowd)
		var all sync.WaitGroup
		all.Add(crowd)
		for task := 0; task < crowd; task++ {
			go func(task int) {
				results[task] = 1
				all.Done()
			}(task)
		}
		all.Wait()
	}
}

// Nanoseconds on the processor, the collector's included.
func processorTime() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// Of each of as many as fill the time.
func measure(operation func(int), seconds float64) float64 {
	for times := crowd; ; times *= 2 {
		start := processorTime()
		operation(times)
		spent := processorTime() - start
		if float64(spent) >= seconds*1e9 {
			return float64(spent) / float64(times)
		}
	}
}

type row struct {
	Name string  `json:"run_name"`
	Type string  `json:"run_type"`
	Real float64 `json:"real_time"`
	CPU  float64 `json:"cpu_time"`
}

func main() {
	filter := flag.String("filter", "", "only rows whose name has a match")
	repetitions := flag.Int("repetitions", 5, "of each row")
	seconds := flag.Float64("seconds", 0.1, "of each repetition, at least")
	out := flag.String("out", "", "where to write the rows, as JSON")
	flag.Parse()
	wanted := regexp.MustCompile(*filter)
	runtime.GOMAXPROCS(1)

	operations := []struct {
		name string
		run  func(int)
	}{{"spawn_get/go", spawnGet}, {"task_gather/go", taskGather}}
	rows := []row{}
	for _, operation := range operations {
		for i := 0; i < *repetitions && wanted.MatchString(operation.name); i++ {
			each := measure(operation.run, *seconds)
			rows = append(rows, row{operation.name, "iteration", each, each})
		}
	}
	settings := runtime.Version() + ", GOMAXPROCS(1); a program of its own"
	text, err := json.Marshal(map[string]any{
		"context":    map[string]string{"subject:go": settings},
		"benchmarks": rows,
	})
	if err == nil {
		err = os.WriteFile(*out, text, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}
