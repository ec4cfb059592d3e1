from harness.run import run_tests
run_tests()
