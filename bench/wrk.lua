-- The peers' own script, and a body of its own for the product (W_PRODUCT names the path it posts to).
-- env: W_MODE get|post, W_BASE path, W_IDS max id (0: fixed path), W_H "Name: v|Name: v"
local mode, base, ids = os.getenv("W_MODE"), os.getenv("W_BASE"), tonumber(os.getenv("W_IDS") or "0")
local headers = {["Content-Type"] = "application/json"}
for pair in string.gmatch(os.getenv("W_H") or "", "[^|]+") do
  local name, value = pair:match("^(.-): (.*)$")
  headers[name] = value
end
local text = string.rep("x", 200)
local body = '{"title":"hello title","body":"' .. text .. '"}'
if base == os.getenv("W_PRODUCT") then
  body = '{"type":"noop","params":{"title":"hello","body":"' .. text .. '"}}'
end
local n = 0

function request()
  if mode == "post" then return wrk.format("POST", base, headers, body) end
  if ids > 0 then
    n = (n + 7919) % ids
    return wrk.format("GET", base .. "/" .. (n + 1), headers)
  end
  return wrk.format("GET", base, headers)
end

function done(summary, latency, requests)
  local errors = summary.errors
  local bad = errors.status + errors.connect + errors.read + errors.timeout
  io.write(string.format('{"rate": %.1f, "p50_ms": %.3f, "p99_ms": %.3f, "bad": %d, "n": %d}\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    bad, summary.requests))
end
