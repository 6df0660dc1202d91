import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.handler.ContextHandler;

/** DynamoDB Local in memory on 127.0.0.1; its own main class listens on every interface. */
public class LoopbackDynamoDb {
    public static void main(String[] arguments) throws Exception {
        boolean inMemory = true, sharedByAllRegions = true, delayedStatuses = false;
        var dynamoDb =
                new LocalDynamoDBRequestHandler(
                        0, inMemory, null, sharedByAllRegions, delayedStatuses);
        var context = new ContextHandler();
        context.setHandler(new LocalDynamoDBServerHandler(dynamoDb, null));
        int port = Integer.parseInt(arguments[0]);
        var server = new Server(new InetSocketAddress("127.0.0.1", port));
        server.setHandler(context);
        server.start();
        server.join();
    }
}
