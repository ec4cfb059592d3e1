#!version:1.0.0.1
include:config "common.cfg"
include:config "mac.cfg"
overwrite_mode = 1
