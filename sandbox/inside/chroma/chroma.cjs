#!/usr/bin/node
require("/usr/local/lib/chroma.node").cli(["chroma", ...process.argv.slice(2)]);
