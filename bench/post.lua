-- wrk: POST the bodies of a folder in turn. `wrk -s post.lua URL -- FOLDER COUNT`: files `headers` (name: value) and `1`, `2`, ...
local requests, at = {}, 0

local function read(path)
  local file = assert(io.open(path, "rb"))
  local content = file:read("*a")
  file:close()
  return content
end

function init(arguments)
  local folder, count = arguments[1], tonumber(arguments[2])
  for line in io.lines(folder .. "/headers") do
    local name, value = line:match("^(.-): (.*)$")
    wrk.headers[name] = value
  end
  for index = 1, count do
    requests[index] = wrk.format("POST", nil, nil, read(folder .. "/" .. index))
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n@{"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"refused":%d,"lost":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
