#!version:1.0.0.1
# A boot file: the files in order, and the last to set a parameter counts.
include:config "common.cfg"
include:config <account.cfg>
overwrite_mode = 1
