package worker_test

func agentMain() {}
