"""An agent: the client of the official MCP SDK, without a model. It does what standard input says, a line of JSON at a time, and
answers each with one: `{"ok": text}`, `{"error": {"code", "message", "data"}}` as the SDK reports it, or `{"broken": why}`.

Lines with the same `as` are of one conversation, which the first of them opens. One that `asks` can send its person to a URL: the answer
is then `{"asked": {"message", "url"}}`, and the next line of the conversation is what the person does, `accept` or `decline`.
"""

import asyncio
import json
import sys
import warnings

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitResult

warnings.simplefilter("ignore")


def came_of(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MCPError):
        return {"error": {"code": error.code, "message": error.message, "data": error.data}}
    return {"broken": f"{type(error).__name__}: {error}"}


async def do(client, step):
    match step["do"]:
        case "connect":
            return f"connected, revision {client.protocol_version}"
        case "list":
            listed = await client.list_tools(cache_mode="bypass")
            return ", ".join(tool.name for tool in listed.tools)
        case "call":
            result = await client.call_tool(step["tool"], step["arguments"])
            text = " ".join(block.text for block in result.content)
            # What countersign says about a call that was not carried out is for the model to read; a tool that fails is a mistake.
            if result.is_error and "reason" not in (result.structured_content or {}):
                raise RuntimeError(text)
            return text


async def converse(first, steps, told):
    """Does the steps of one conversation, in one task from its beginning to its end, as the SDK demands."""
    headers = {"host": first["host"]}
    if first["token"]:
        headers["authorization"] = f"Bearer {first['token']}"

    async def asked(context, params):
        await told.put({"asked": {"message": params.message, "url": params.url}})
        answer = (await steps.get())["do"]
        return ElicitResult(action=answer if answer in ("accept", "decline") else "cancel")

    callback = asked if first["asks"] else None
    try:
        async with httpx2.AsyncClient(headers=headers, timeout=15, trust_env=False) as http:
            transport = streamable_http_client(first["url"], http_client=http)
            async with Client(transport, mode=first["mode"], read_timeout_seconds=10, elicitation_callback=callback) as client:
                while step := await steps.get():
                    try:
                        await told.put({"ok": await do(client, step)})
                    except Exception as error:
                        await told.put(came_of(error))
        await told.put({"ok": "ended"})
    except Exception as error:
        await told.put(came_of(error))


async def main():
    loop, told, conversations = asyncio.get_running_loop(), asyncio.Queue(), {}
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        step = json.loads(line)
        task, steps = conversations.get(step["as"], (None, None))
        if task is None or task.done():
            steps = asyncio.Queue()
            task = asyncio.create_task(converse(step, steps, told))
            conversations[step["as"]] = task, steps
        await steps.put(step)
        print(json.dumps(await told.get()), flush=True)
    for task, steps in conversations.values():
        await steps.put(None)
        await task


asyncio.run(main())
