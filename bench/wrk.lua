-- bench/wrk.lua: what wrk sends and how it reports.
--
-- Arguments after "--": MODE [NUMBER] with MODE one of
--   get              one GET at a time
--   post NUMBER      POST of NUMBER bytes
--   pipeline NUMBER  NUMBER GETs in one packet
--   close            GET with "Connection: close"
-- The result is one line of JSON after "RESULT ".  Times in microseconds.

function init(args)
   local mode = args[1] or "get"
   local number = tonumber(args[2] or "0")

   if mode == "post" then
      wrk.method = "POST"
      wrk.body = string.rep("0123456789abcdef", math.floor(number / 16))
      wrk.headers["Content-Type"] = "application/octet-stream"
   elseif mode == "close" then
      wrk.headers["Connection"] = "close"
   elseif mode == "pipeline" then
      local batch = {}
      for i = 1, number do
         batch[i] = wrk.format()
      end
      local requests = table.concat(batch)
      request = function() return requests end
   end
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format(
      'RESULT {"requests": %d, "duration_us": %d, "bytes": %d, "p50_us": %d, "p90_us": %d, ' ..
      '"p99_us": %d, "max_us": %d, "errors": {"connect": %d, "read": %d, "write": %d, ' ..
      '"status": %d, "timeout": %d}}\n',
      summary.requests, summary.duration, summary.bytes, latency:percentile(50),
      latency:percentile(90), latency:percentile(99), latency.max, e.connect, e.read, e.write,
      e.status, e.timeout))
end
