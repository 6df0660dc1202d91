"""All that an admin runs to install and operate Emtiaz; none of it runs in Lambda."""
