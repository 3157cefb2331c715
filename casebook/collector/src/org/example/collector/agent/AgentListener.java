package org.example.collector.agent;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import org.example.collector.NamedThreads;
import org.example.collector.store.FlushService;
import org.example.collector.store.TargetStore;

/** Accepts agents on one thread and serves all of them on another. */
public final class AgentListener implements Closeable {
    private static final int MAX_AGENTS = 256;

    private final ServerSocketChannel socket = ServerSocketChannel.open();
    private final Selector selector = Selector.open();
    private final Queue<SocketChannel> accepted = new ConcurrentLinkedQueue<>();
    private final Semaphore free = new Semaphore(MAX_AGENTS);
    private final TargetStore store;
    private final FlushService flush;

    public AgentListener(int port, TargetStore store, FlushService flush) throws IOException {
        this.store = store;
        this.flush = flush;
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        NamedThreads.named("collector-accept", this::accept).start();
        NamedThreads.named("agent-io-1", this::serve).start();
    }

    public int port() throws IOException {
        return ((InetSocketAddress) socket.getLocalAddress()).getPort();
    }

    private void accept() {
        try {
            while (true) {
                free.acquire();
                accepted.add(socket.accept());
                selector.wakeup();
            }
        } catch (IOException e) {
            failed("accept agents", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve() {
        try {
            while (true) {
                selector.select();
                for (SocketChannel agent = accepted.poll(); agent != null; agent = accepted.poll()) {
                    agent.configureBlocking(false);
                    agent.setOption(StandardSocketOptions.TCP_NODELAY, true);
                    agent.register(selector, SelectionKey.OP_READ, new AgentSession(agent, store, flush));
                }
                for (SelectionKey key : selector.selectedKeys()) {
                    read(key);
                }
                selector.selectedKeys().clear();
            }
        } catch (IOException e) {
            failed("serve agents", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void read(SelectionKey key) throws IOException, InterruptedException {
        boolean open;
        try {
            open = ((AgentSession) key.attachment()).read();
        } catch (IOException e) {
            System.err.println(key.attachment() + ": " + e.getMessage());
            open = false;
        }
        if (!open) {
            key.channel().close();
            free.release();
        }
    }

    private void failed(String what, IOException e) {
        if (socket.isOpen()) {
            System.err.println(what + ": " + e);
            System.exit(1);
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
        for (SelectionKey key : selector.keys()) {
            key.channel().close();
        }
        selector.wakeup();
    }
}
