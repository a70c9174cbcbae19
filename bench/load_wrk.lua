-- bench/load_wrk.lua: a page's cookie and token, taken from each answer and sent with the next request.

local token, cookie

function request()
   if not token then
      return wrk.format("GET", "/page")
   end
   return wrk.format("GET", "/next", { ["X-CSRFToken"] = token, ["Cookie"] = "csrftoken=" .. cookie })
end

function response(status, headers, body)
   token = body:match('name="csrfmiddlewaretoken" value="(%w+)"')
   for name, value in pairs(headers) do
      if name:lower() == "set-cookie" then
         cookie = value:match("csrftoken=(%w+)")
      end
   end
end
