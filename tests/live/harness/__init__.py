"""What the live tests stand on: a network of their own, real SIP and DNS servers, a packet log, and the program.

    namespace   a network, mount and process namespace for each test
    waiting     waits with a deadline; processes with their output in files
    packets     every packet on the loopback device or on a wire, with the kernel's time stamp
    names       Knot DNS, which serves the zone example.test
    authority   certificates, by openssl
    registrar   Kamailio, which can be frozen, stopped and told to answer 503
    callee      SIPp, which answers calls
    far         a network beyond a cable, and servers there
    wire        the same with a cable that delays, loses, doubles, reorders and cuts
    streams     servers over TCP and TLS that do whatever a test wants
    faults      a fault, its time on the wire and by the engine, and the table of all of them
    phone       the program under test, by its command line only
    world       all of these together
    expect      comparisons that print what was measured
    run         what a test file calls to run its tests
"""
