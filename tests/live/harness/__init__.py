"""What the live tests stand on: a network of their own, real SIP and DNS servers, a packet log, and the program.

    namespace   a network, mount and process namespace for each test
    waiting     waits with a deadline; processes with their output in files
    packets     every packet on the loopback device or on a wire, with the kernel's time stamp
    names       Knot DNS, which serves the zone example.test
    authority   certificates, by openssl
    registrar   Kamailio, which can be frozen, stopped and told to answer 503
    callee      SIPp, which answers calls
    phone       the program under test, by its command line only
    world       all of these together
    expect      comparisons that print what was measured
    run         what a test file calls to run its tests
"""
